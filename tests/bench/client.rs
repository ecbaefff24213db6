//! A client that costs next to nothing: one socket, one request at a time, kept open where the server keeps it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

/// A client with a token.
#[derive(Debug)]
pub struct Client {
    address: String,
    token: String,
    connection: Option<BufReader<TcpStream>>,
}

/// A request: method, path, and a body with its media type.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: &'static str,
    pub path: String,
    pub body: Option<(&'static str, String)>,
}

impl Call {
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), body: None }
    }
}

impl Client {
    /// `address` is host and port.
    pub fn new(address: &str, token: &str) -> Self {
        Self { address: address.to_owned(), token: token.to_owned(), connection: None }
    }

    /// Sends a call and reads the answer: status and body.
    pub fn send(&mut self, call: &Call) -> (u16, Vec<u8>) {
        let content = call.body.as_ref().map_or_else(String::new, |(media_type, body)| {
            format!("Content-Type: {media_type}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        });
        let request = format!(
            "{} {} HTTP/1.1\r\nHost: {}\r\nX-Auth-Token: {}\r\nAccept: application/json\r\n{}",
            call.method,
            call.path,
            self.address,
            self.token,
            if content.is_empty() { "\r\n" } else { &content }
        );
        let mut connection = self.connection.take().unwrap_or_else(|| {
            let socket = TcpStream::connect(&self.address).expect("a connection");
            socket.set_nodelay(true).expect("TCP_NODELAY");
            BufReader::with_capacity(1 << 16, socket)
        });
        connection.get_mut().write_all(request.as_bytes()).expect("the request is taken");
        let head = Head::read(&mut connection);
        let mut body = Vec::new();
        match head.length {
            Some(length) => {
                body.resize(length, 0);
                connection.read_exact(&mut body).expect("the whole body");
            }
            None if head.status == 204 => {}
            None => {
                connection.read_to_end(&mut body).expect("the body to the end of the connection");
            }
        }
        if !head.closes {
            self.connection = Some(connection);
        }
        (head.status, body)
    }
}

struct Head {
    status: u16,
    length: Option<usize>,
    closes: bool,
}

impl Head {
    fn read(connection: &mut BufReader<TcpStream>) -> Self {
        let mut line = String::new();
        connection.read_line(&mut line).expect("a status line");
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut head = Self {
            status: status.unwrap_or_else(|| panic!("no status in {line:?}")),
            length: None,
            closes: false,
        };
        loop {
            line.clear();
            connection.read_line(&mut line).expect("a header");
            let Some((name, value)) = line.trim_end().split_once(':') else { return head };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => head.length = value.trim().parse().ok(),
                "connection" => head.closes = value.trim().eq_ignore_ascii_case("close"),
                _ => {}
            }
        }
    }
}
