//! A web server that holds data of images, for locations: each page behaves as the test says.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use crate::wait;

/// What is answered to who asks for a page.
#[derive(Debug, Clone)]
pub enum Page {
    Data(Vec<u8>),
    /// Data of which nobody is told how long it is.
    Unmeasured(Vec<u8>),
    Redirect(String),
    Status(u16),
    /// The connection breaks in the middle of the data, so many times.
    Broken {
        data: Vec<u8>,
        times: usize,
    },
    /// The second half of the data comes only when the gate is opened.
    Held {
        data: Vec<u8>,
        gate: Gate,
    },
}

/// Keeps answers waiting until it is opened, and knows who waits.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    state: Arc<(Mutex<GateState>, Condvar)>,
}

#[derive(Debug, Default)]
struct GateState {
    is_open: bool,
    arrived: usize,
    gone: usize,
}

impl Gate {
    pub fn open(&self) {
        self.lock().is_open = true;
        self.state.1.notify_all();
    }

    /// How many answers came to the gate so far.
    pub fn arrived(&self) -> usize {
        self.lock().arrived
    }

    /// How many of those who waited went away before it was opened.
    pub fn gone(&self) -> usize {
        self.lock().gone
    }

    fn lock(&self) -> MutexGuard<'_, GateState> {
        self.state.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits; `false` when who asked went away.
    fn pass(&self, socket: &TcpStream) -> bool {
        self.lock().arrived += 1;
        socket.set_nonblocking(true).expect("a socket");
        loop {
            if socket.peek(&mut [0]).is_ok_and(|count| count == 0) {
                self.lock().gone += 1;
                return false;
            }
            let state = self.lock();
            if state.is_open {
                socket.set_nonblocking(false).expect("a socket");
                return true;
            }
            let waited = self.state.1.wait_timeout(state, wait::BETWEEN_QUESTIONS);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
    }
}

/// A running web server.
#[derive(Debug)]
pub struct WebServer {
    pub port: u16,
    pages: Arc<Mutex<HashMap<String, Page>>>,
    made: AtomicUsize,
}

static SHARED: OnceLock<WebServer> = OnceLock::new();

impl WebServer {
    /// The one that all tests of this process use.
    pub fn shared() -> &'static Self {
        SHARED.get_or_init(Self::start)
    }

    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let pages: Arc<Mutex<HashMap<String, Page>>> = Arc::default();
        let served = Arc::clone(&pages);
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let pages = Arc::clone(&served);
                // Who goes away in the middle is no matter of ours.
                thread::spawn(move || answer(&socket, &pages).ok());
            }
        });
        Self { port, pages, made: AtomicUsize::new(0) }
    }

    /// Serves a page under an address of its own.
    pub fn serve(&self, page: Page) -> String {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        self.serve_at(&format!("/page-{number}"), page)
    }

    /// Serves a page under this path.
    pub fn serve_at(&self, path: &str, page: Page) -> String {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), page);
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

/// One request, one answer: the connection is not kept.
fn answer(mut socket: &TcpStream, pages: &Mutex<HashMap<String, Page>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(socket).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let mut words = first.split(' ');
    let (is_head, path) = (words.next() == Some("HEAD"), words.next().unwrap_or_default().to_owned());
    let page = {
        let mut pages = pages.lock().unwrap_or_else(PoisonError::into_inner);
        let page = pages.get(&path).cloned().unwrap_or(Page::Status(404));
        if let (Page::Broken { data, times }, false) = (&page, is_head) {
            let left = times.saturating_sub(1);
            let next = Page::Broken { data: data.clone(), times: left };
            pages.insert(path, if left == 0 { Page::Data(data.clone()) } else { next });
        }
        page
    };
    let mut head = |status: &str, more: &str| {
        socket.write_all(format!("HTTP/1.1 {status}\r\nConnection: close\r\n{more}\r\n").as_bytes())
    };
    let length = |data: &[u8]| format!("Content-Length: {}\r\n", data.len());
    match page {
        Page::Status(status) => head(&format!("{status} As told"), "Content-Length: 0\r\n"),
        Page::Redirect(to) => head("302 Found", &format!("Location: {to}\r\nContent-Length: 0\r\n")),
        Page::Unmeasured(data) => {
            head("200 OK", "")?;
            if is_head { Ok(()) } else { socket.write_all(&data) }
        }
        Page::Data(data) | Page::Broken { data, .. } | Page::Held { data, .. } if is_head => {
            head("200 OK", &length(&data))
        }
        Page::Data(data) => {
            head("200 OK", &length(&data))?;
            socket.write_all(&data)
        }
        Page::Broken { data, .. } => {
            head("200 OK", &length(&data))?;
            socket.write_all(data.get(..data.len() / 2).unwrap_or_default())
        }
        Page::Held { data, gate } => {
            head("200 OK", &length(&data))?;
            let (first, second) = data.split_at(data.len() / 2);
            socket.write_all(first)?;
            if gate.pass(socket) { socket.write_all(second) } else { Ok(()) }
        }
    }
}
