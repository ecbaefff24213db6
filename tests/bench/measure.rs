//! Processor time, memory and waiting time of servers that answer calls.

use std::fs;
use std::time::{Duration, Instant};

use glasshouse_tests::process::cpu_ticks_of;

use crate::client::{Call, Client};

/// The kernel counts in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);
/// A row goes on for so long, and longer until it has its calls.
const TIME: Duration = Duration::from_millis(1500);
const CALLS_MIN: usize = 4;
const CALLS_MAX: usize = 20_000;

/// The processes that do the work of one contender: its own, and those of its database.
#[derive(Debug, Clone)]
pub struct Processes {
    pub server: u32,
    pub database: Option<u32>,
}

/// What one row cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Processor time of one call.
    pub server: Duration,
    pub database: Duration,
    pub median: Duration,
    pub percentile_99: Duration,
    /// By one client that waits for each answer.
    pub per_second: f64,
}

impl Cost {
    pub fn processor(&self) -> Duration {
        self.server + self.database
    }
}

impl Processes {
    /// Processor time of the server and of its database so far.
    fn times(&self) -> (Duration, Duration) {
        let of = |pids: &[u32]| TICK * u32::try_from(ticks(pids)).expect("not that many ticks");
        (of(&tree(self.server)), self.database.map_or(Duration::ZERO, |database| of(&[database])))
    }

    /// Resident memory of the server.
    pub fn resident_bytes(&self) -> u64 {
        tree(self.server).into_iter().map(resident_bytes_of).sum()
    }
}

fn ticks(pids: &[u32]) -> u64 {
    pids.iter().filter_map(|pid| cpu_ticks_of(*pid)).sum()
}

/// A process and all that it started.
fn tree(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        found.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        next += 1;
    }
    found
}

fn resident_bytes_of(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number of KiB") * 1024
}

/// Waits until the database has nothing left to tidy up, which would be counted to the next row.
pub fn wait_until_idle(pid: u32) {
    let mut before = (Instant::now(), cpu_ticks_of(pid));
    glasshouse_tests::wait::until_true("the database to be idle", Duration::from_mins(5), || {
        if before.0.elapsed() < Duration::from_millis(500) {
            return false;
        }
        let now = (Instant::now(), cpu_ticks_of(pid));
        let spent = now.1.unwrap_or_default() - before.1.unwrap_or_default();
        before = now;
        spent <= 1
    });
}

/// Makes the calls of a row one after the other. `call` is given the number of the round.
pub fn measure(processes: &Processes, client: &mut Client, call: &mut dyn FnMut(&mut Client, u64)) -> Cost {
    let warm_up = Instant::now();
    let mut round = 0;
    // Each process of a server must have seen the row and the token.
    while round < 20 && (round < 2 || warm_up.elapsed() < TIME / 5) {
        call(client, round);
        round += 1;
    }
    let before = processes.times();
    let start = Instant::now();
    let mut waits = Vec::new();
    while waits.len() < CALLS_MIN || (start.elapsed() < TIME && waits.len() < CALLS_MAX) {
        let began = Instant::now();
        call(client, round);
        waits.push(began.elapsed());
        round += 1;
    }
    let elapsed = start.elapsed();
    let after = processes.times();
    waits.sort_unstable();
    let calls = waits.len();
    let each = |spent: Duration| spent / u32::try_from(calls).expect("not that many calls");
    let at =
        |hundredths: usize| waits.get((calls * hundredths / 100).min(calls - 1)).copied().unwrap_or_default();
    Cost {
        server: each(after.0.saturating_sub(before.0)),
        database: each(after.1.saturating_sub(before.1)),
        median: at(50),
        percentile_99: at(99),
        per_second: f64::from(u32::try_from(calls).expect("not that many calls")) / elapsed.as_secs_f64(),
    }
}

/// Many clients at once for a while: calls for each second, and the most memory that was seen.
pub fn load(processes: &Processes, address: &str, token: &str, calls: &[Call]) -> (f64, u64) {
    const CLIENTS: usize = 16;
    let start = Instant::now();
    let mut most = processes.resident_bytes();
    let done: usize = std::thread::scope(|scope| {
        let work = |first: usize| {
            let mut client = Client::new(address, token);
            let mut done = 0;
            for call in calls.iter().cycle().skip(first) {
                let (status, _) = client.send(call);
                assert_eq!(status, 200, "{call:?}");
                done += 1;
                if start.elapsed() > TIME * 2 {
                    break;
                }
            }
            done
        };
        let threads: Vec<_> = (0..CLIENTS).map(|first| scope.spawn(move || work(first))).collect();
        glasshouse_tests::wait::until_true("the end of the load", Duration::from_mins(10), || {
            most = most.max(processes.resident_bytes());
            threads.iter().all(|thread| thread.is_finished())
        });
        threads.into_iter().map(|thread| thread.join().expect("a client")).sum()
    });
    (f64::from(u32::try_from(done).expect("not that many calls")) / start.elapsed().as_secs_f64(), most)
}
