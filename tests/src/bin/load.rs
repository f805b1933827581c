//! Asks a server of HTTP more than is good for it, from a process of its own that gives way to all others, until its
//! standard input ends; then it prints what came of it, as JSON.
//!
//! `load flood ADDRESS CONNECTIONS LEAST FILE...`: each connection sends the requests of the files in turn, as fast as they
//! are answered, and not less than so many in all. `load slow ADDRESS CONNECTIONS 0`: a third of the connections send a header without end, a third a body, and a
//! third ask for much and read hardly anything of it; one that is closed is opened again.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use rustix::net::{
    AddressFamily, SocketType, connect, socket, sockopt::set_socket_recv_buffer_size,
};

const LIMIT: Duration = Duration::from_secs(60);
/// How often a slow connection sends or takes a byte.
const TICK: Duration = Duration::from_millis(500);

/// What came of it.
#[derive(Default)]
struct Outcome {
    /// The answers by code.
    answers: Mutex<BTreeMap<u16, u64>>,
    /// How often a connection was closed, or could not be opened.
    closed: AtomicU64,
    is_over: AtomicBool,
}

impl Outcome {
    fn answered(&self) -> u64 {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.values().sum()
    }
}

#[expect(clippy::print_stdout, reason = "whoever starts it reads what it says")]
fn main() -> io::Result<()> {
    // It fails nowhere that gives way is needed.
    let _ = rustix::process::nice(19);
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [what, address, connections, least, files @ ..] = &arguments[..] else {
        return Err(io::Error::other(
            "flood or slow, an address and two numbers are needed",
        ));
    };
    let address: SocketAddr = address.parse().map_err(io::Error::other)?;
    let connections: usize = connections.parse().map_err(io::Error::other)?;
    let least: u64 = least.parse().map_err(io::Error::other)?;
    let requests = files.iter().map(fs::read).collect::<io::Result<Vec<_>>>()?;
    let outcome = Outcome::default();
    thread::scope(|scope| {
        match what.as_str() {
            "flood" => {
                for number in 0..connections {
                    let (outcome, requests) = (&outcome, &requests);
                    scope.spawn(move || flood(address, requests, number, outcome));
                }
            }
            _ => {
                let outcome = &outcome;
                scope.spawn(move || slow(address, connections, outcome));
            }
        }
        println!("begun");
        // It ends with whoever started it.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        while outcome.answered() < least {
            thread::sleep(Duration::from_millis(10));
        }
        outcome.is_over.store(true, Relaxed);
    });
    let answers = outcome.answers.into_inner();
    let answers = answers.unwrap_or_else(PoisonError::into_inner);
    let answers: Vec<String> = answers
        .iter()
        .map(|(code, count)| format!("\"{code}\":{count}"))
        .collect();
    println!(
        "{{\"answers\":{{{}}},\"closed\":{}}}",
        answers.join(","),
        outcome.closed.into_inner()
    );
    Ok(())
}

fn flood(address: SocketAddr, requests: &[Vec<u8>], first: usize, outcome: &Outcome) {
    let mut turn = first;
    while !outcome.is_over.load(Relaxed) {
        let Ok(mut stream) = TcpStream::connect_timeout(&address, LIMIT) else {
            outcome.closed.fetch_add(1, Relaxed);
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        let limits = stream
            .set_read_timeout(Some(LIMIT))
            .and_then(|()| stream.set_write_timeout(Some(LIMIT)))
            .and_then(|()| stream.set_nodelay(true));
        if limits.is_err() {
            continue;
        }
        while !outcome.is_over.load(Relaxed) {
            let request = &requests[turn % requests.len()];
            turn += 1;
            // Whoever hangs up may have answered before.
            let _ = stream.write_all(request);
            let Ok(code) = answer(&mut stream) else {
                outcome.closed.fetch_add(1, Relaxed);
                break;
            };
            let mut answers = outcome
                .answers
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *answers.entry(code).or_default() += 1;
        }
    }
}

/// Reads one answer that says how long it is; its code.
fn answer(stream: &mut TcpStream) -> io::Result<u16> {
    const END: &[u8] = b"\r\n\r\n";
    let (mut read, mut part) = (Vec::new(), [0; 8192]);
    let mut more = |read: &mut Vec<u8>| match stream.read(&mut part)? {
        0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        length => {
            read.extend_from_slice(&part[..length]);
            Ok(())
        }
    };
    let end = loop {
        if let Some(end) = read.windows(END.len()).position(|window| window == END) {
            break end;
        }
        more(&mut read)?;
    };
    let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let headers = head.lines().filter_map(|line| line.split_once(": "));
    let length = headers
        .filter(|(name, _)| *name == "content-length")
        .find_map(|(_, length)| length.parse::<usize>().ok());
    while read.len() < end + END.len() + length.unwrap_or_default() {
        more(&mut read)?;
    }
    code.ok_or_else(|| io::Error::other("it is no HTTP"))
}

/// A connection that keeps its server waiting.
struct Slow {
    stream: TcpStream,
    reads: bool,
}

impl Slow {
    fn open(address: SocketAddr, number: usize) -> io::Result<Self> {
        let family = match address {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let socket = socket(family, SocketType::STREAM, None)?;
        // So that little is taken which nobody reads.
        set_socket_recv_buffer_size(&socket, 2048)?;
        connect(&socket, &address)?;
        let mut stream = TcpStream::from(socket);
        let begin = match number % 3 {
            0 => "GET /v1/cert.pem HTTP/1.1\r\nHost: x\r\nX-Slow: ".to_owned(),
            1 => {
                let path = ["/v1/verify", "/v1/rotate", "/v1/cert.pem"][number / 3 % 3];
                format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\na")
            }
            _ => "GET /v1/cert.pem HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200),
        };
        stream.set_nonblocking(true)?;
        // What is not taken at once need not be.
        let _ = stream.write(begin.as_bytes())?;
        Ok(Self {
            stream,
            reads: number % 3 == 2,
        })
    }

    /// Sends a byte, or takes one. Whether the connection is still there.
    fn tick(&mut self) -> bool {
        let mut byte = [0; 1];
        let taken = self.stream.peek(&mut byte);
        let is_open = match &taken {
            Ok(length) => *length > 0,
            Err(error) => is_later(error),
        };
        let done = match self.reads {
            true => self.stream.read(&mut byte).map(drop),
            false => self.stream.write(b"x").map(drop),
        };
        // What was answered is read by nobody, but an answer is an end.
        let is_answered = !self.reads && taken.is_ok();
        is_open && !is_answered && done.map_or_else(|error| is_later(&error), |()| true)
    }
}

fn is_later(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

fn slow(address: SocketAddr, connections: usize, outcome: &Outcome) {
    let mut all: Vec<Option<Slow>> = (0..connections).map(|_| None).collect();
    while !outcome.is_over.load(Relaxed) {
        for (number, place) in all.iter_mut().enumerate() {
            if place.as_mut().is_some_and(|slow| !slow.tick()) {
                outcome.closed.fetch_add(1, Relaxed);
                *place = None;
            }
            if place.is_none() {
                *place = Slow::open(address, number).ok();
            }
        }
        thread::sleep(TICK);
    }
    for slow in all.into_iter().flatten() {
        drop(slow.stream.shutdown(Shutdown::Both));
    }
}
