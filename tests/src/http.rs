//! Asking a program over HTTP on this machine; each answer is recorded in [`seen`](crate::seen).

pub mod junk;

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use crate::seen;

/// An answer that came whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub code: u16,
    /// The status line and the headers, in lower case.
    pub head: String,
    /// The body.
    pub body: String,
}

/// A port that was free a moment ago.
///
/// # Panics
///
/// When none is free.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

/// A connection that gives up after a minute.
///
/// # Panics
///
/// When nobody listens.
pub fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let limit = Some(Duration::from_secs(60));
    stream.set_read_timeout(limit).expect("a limit can be set");
    stream.set_write_timeout(limit).expect("a limit can be set");
    stream
}

/// The answer to a GET.
///
/// # Panics
///
/// When there is none.
#[track_caller]
pub fn get(port: u16, path: &str) -> Answer {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    send(port, request)
}

/// The answer to a POST.
///
/// # Panics
///
/// When there is none.
#[track_caller]
pub fn post(port: u16, path: &str, body: impl AsRef<[u8]>) -> Answer {
    let body = body.as_ref();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    send(port, [head.as_bytes(), body].concat())
}

/// The answer to the bytes of a request.
///
/// # Panics
///
/// When there is none.
#[track_caller]
pub fn send(port: u16, request: impl AsRef<[u8]>) -> Answer {
    let mut stream = connect(port);
    // It may answer and hang up before it has everything.
    if let Err(error) = stream.write_all(request.as_ref()) {
        let hung_up = matches!(
            error.kind(),
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
        );
        assert!(hung_up, "it does not read: {error}");
    }
    answer(stream, request.as_ref())
}

/// Reads the answer to a request that was sent.
///
/// # Panics
///
/// When there is none.
#[track_caller]
pub fn answer(mut stream: TcpStream, request: &[u8]) -> Answer {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it answers");
    let answer = String::from_utf8(answer).expect("it answers with text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("it speaks HTTP");
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let code = code.expect("the answer has a code");
    let request = String::from_utf8_lossy(request);
    let path = request.split(' ').nth(1).unwrap_or_default();
    match path {
        "/metrics" => seen::record_metrics(body),
        _ => seen::record_answer(path, code),
    }
    Answer {
        code,
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}
