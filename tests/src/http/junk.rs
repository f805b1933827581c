//! What hostile or broken clients send: too large, too deep, too many, endless, of another protocol, ambiguous.

use std::{
    io::{Read, Write},
    net::Shutdown,
    thread,
    time::{Duration, Instant},
};

use super::connect;

/// The size of a large body.
pub const LARGE: usize = 4 * 1024 * 1024;
/// How long a client waits for an end: longer than a server may take for headers, for a body and for an answer together.
const LIMIT: Duration = Duration::from_secs(60);

/// What a client sends.
#[derive(Clone, Debug)]
pub struct Junk {
    /// What it is.
    pub name: String,
    /// It begins so.
    pub bytes: Vec<u8>,
    /// And goes on so until nobody takes it any more; empty where it ends.
    pub endless: Vec<u8>,
    /// The codes that it may be answered with, where it is answered.
    pub codes: Vec<u16>,
    /// How many answers there have to be, and may be at most.
    pub fewest: usize,
    /// As above.
    pub most: usize,
    /// Whether the client hangs up when it has sent it, with one ear open.
    pub hangs_up: bool,
}

/// What came of it: the codes of the answers before the connection was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The final ones, in order.
    pub codes: Vec<u16>,
    /// All of the text.
    pub text: String,
    /// After how long it was closed.
    pub took: Duration,
}

/// Numbers that come out the same for the same seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// With a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % limit).unwrap_or_default()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

impl Junk {
    fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>, codes: &[u16]) -> Self {
        Self {
            name: name.into(),
            bytes: bytes.into(),
            endless: Vec::new(),
            codes: codes.to_vec(),
            fewest: 0,
            most: 1,
            hangs_up: false,
        }
    }

    fn hanging_up(mut self) -> Self {
        self.hangs_up = true;
        self
    }

    fn endless(mut self, more: impl Into<Vec<u8>>) -> Self {
        self.endless = more.into();
        self
    }

    fn answered(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// Sends it and checks that it gets its answer, or none, and that the connection is closed.
    ///
    /// # Panics
    ///
    /// When it is answered otherwise, or the connection stays.
    #[track_caller]
    pub fn throw(&self, port: u16) -> Outcome {
        let outcome = self.send(port);
        let allowed = outcome.codes.iter().all(|code| self.codes.contains(code));
        let count = self.fewest..=self.most;
        assert!(
            allowed && count.contains(&outcome.codes.len()),
            "{}: {:?} where {:?} may be, {count:?} times",
            self.name,
            outcome.codes,
            self.codes,
        );
        outcome
    }

    #[track_caller]
    fn send(&self, port: u16) -> Outcome {
        let begun = Instant::now();
        let mut stream = connect(port);
        let mut writing = stream.try_clone().expect("a socket can be cloned");
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut sent = writing.write_all(&self.bytes);
                while sent.is_ok() && !self.endless.is_empty() && begun.elapsed() < LIMIT {
                    sent = writing.write_all(&self.endless);
                }
                if self.hangs_up {
                    // It fails where the other side was first.
                    drop(writing.shutdown(Shutdown::Write));
                }
            });
            let limit = Some(LIMIT);
            stream.set_read_timeout(limit).expect("a limit can be set");
            let (mut read, mut part) = (Vec::new(), [0; 16 * 1024]);
            loop {
                match stream.read(&mut part) {
                    Ok(0) => break,
                    Ok(length) => read.extend_from_slice(&part[..length]),
                    Err(error) => {
                        let silent = matches!(
                            error.kind(),
                            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                        );
                        assert!(!silent, "{}: neither an answer nor an end", self.name);
                        break;
                    }
                }
                assert!(begun.elapsed() < LIMIT, "{}: it has no end", self.name);
            }
            // The writer must not wait for whoever is gone.
            drop(stream.shutdown(Shutdown::Both));
            Outcome {
                codes: codes(&read),
                text: String::from_utf8_lossy(&read).into_owned(),
                took: begun.elapsed(),
            }
        })
    }
}

/// The codes of answers that came one after the other, without those that announce another one.
fn codes(mut read: &[u8]) -> Vec<u16> {
    const END: &[u8] = b"\r\n\r\n";
    let mut codes = Vec::new();
    while let Some(end) = read.windows(END.len()).position(|window| window == END) {
        let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        codes.extend(code.filter(|code: &u16| *code >= 200));
        let headers = head.lines().filter_map(|line| line.split_once(':'));
        let length = headers
            .filter(|(name, _)| *name == "content-length")
            .find_map(|(_, length)| length.trim().parse::<usize>().ok());
        read = &read[end + END.len()..];
        read = read.get(length.unwrap_or_default()..).unwrap_or_default();
    }
    codes
}

fn with_body(method: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    let size = format!("{:x}\r\n", bytes.len());
    [size.as_bytes(), bytes, b"\r\n"].concat()
}

/// Large bodies: of random bytes, nested, with very many items, and what says that it is compressed.
#[derive(Clone, Debug)]
pub struct Bodies(Vec<(&'static str, &'static str, Vec<u8>)>);

impl Bodies {
    /// Makes them.
    pub fn new(random: &mut Random) -> Self {
        Self(bodies(random))
    }
}

fn bodies(random: &mut Random) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let mut noise = vec![0; LARGE];
    noise.fill_with(|| random.byte());
    let filled = |mut body: String| {
        body.push_str(&" ".repeat(LARGE.saturating_sub(body.len())));
        body.into_bytes()
    };
    const DEEP: usize = 100_000;
    let start = "{\"apiVersion\":\"bitnami.com/v1alpha1\",\"kind\":\"SealedSecret\",\"metadata\":{\"name\":\"db\"},\"spec\":{\"encryptedData\":{";
    let many: Vec<String> = (0..1_000_000).map(|n| format!("\"{n}\":0")).collect();
    let deep = |open: &str, close: &str| {
        let nested = format!("{}0{}", open.repeat(DEEP), close.repeat(DEEP));
        filled(format!("{start}\"a\":{nested}}}}}}}"))
    };
    let aliases: String = (1..40)
        .map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1))
        .collect();
    let zip = "Content-Encoding: gzip\r\nTransfer-Encoding: identity\r\n";
    vec![
        ("random bytes", "", noise),
        ("nested maps", "", deep("{\"a\":", "}")),
        ("nested lists", "", deep("[", "]")),
        ("nested lists of YAML", "", filled("- ".repeat(DEEP))),
        (
            "a million items",
            "",
            format!("{start}{}}}}}}}", many.join(",")).into_bytes(),
        ),
        (
            "aliases of aliases",
            "",
            filled(format!("a0: &a0 x\n{aliases}")),
        ),
        (
            "a scalar",
            "",
            format!("{start}\"a\":\"{}\"}}}}}}", "A".repeat(LARGE)).into_bytes(),
        ),
        (
            "zeros that are no gzip",
            "Content-Encoding: gzip\r\n",
            vec![0; LARGE],
        ),
        ("an encoding of its own", zip, vec![0; LARGE]),
    ]
}

/// What is sent to each path: `codes` are those that a body without sense may get there; where a path reads its body, it
/// has to answer one that comes whole.
pub fn for_path(path: &str, codes: &[u16], reads_bodies: bool, bodies: &Bodies) -> Vec<Junk> {
    let with = |more: &[u16]| [codes, more].concat();
    let mut all = Vec::new();
    for (what, headers, body) in &bodies.0 {
        let request = with_body("POST", path, headers, body);
        let name = format!("{path}: {what}");
        let junk = Junk::new(name, request, &with(&[400, 413]));
        all.push(Junk {
            fewest: usize::from(reads_bodies),
            ..junk
        });
    }
    let begun = all.len();
    let named = |what: &str| format!("{path}: {what}");
    let chunked = format!("POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    let endless = Junk::new(
        named("chunks without end"),
        chunked.as_bytes(),
        &with(&[400, 413]),
    );
    all.push(endless.endless(chunk(&[b' '; 32 * 1024])));
    let tiny = Junk::new(
        named("tiny chunks without end"),
        chunked.as_bytes(),
        &with(&[400, 413]),
    );
    all.push(tiny.endless(chunk(b"x").repeat(2048)));
    let size = format!("{chunked}{}", "f".repeat(LARGE));
    all.push(Junk::new(named("a chunk of any size"), size, &with(&[400])));
    let extension = format!("{chunked}1;{}", "x".repeat(LARGE));
    all.push(Junk::new(
        named("a chunk extension"),
        extension,
        &with(&[400]),
    ));
    let trailers = format!("{chunked}0\r\n{}", "x: y\r\n".repeat(100_000));
    all.push(Junk::new(named("trailers"), trailers, &with(&[400, 431])));
    let short = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc");
    all.push(Junk::new(
        named("a body that ends too early"),
        short,
        &with(&[400]),
    ));
    for length in [
        "-1",
        "1e3",
        "99999999999999999999999999",
        "+3",
        " ",
        "3, 4",
        "0x3",
    ] {
        let request =
            format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\nabc");
        // A length of nothing but a sign is the only one that some read.
        all.push(
            Junk::new(
                named(&format!("a length of {length:?}")),
                request,
                &with(&[400]),
            )
            .answered(2),
        );
    }
    let again = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").repeat(50);
    all.push(Junk::new(named("pipelined"), again, codes).answered(50));
    for method in [
        "OPTIONS", "DELETE", "PATCH", "CONNECT", "TRACE", "M-SEARCH", "GETT",
    ] {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        all.push(Junk::new(named(method), request, &with(&[400, 404, 405])));
    }
    let head = format!("HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    all.push(Junk::new(named("HEAD"), head, codes));
    let expect = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    );
    all.push(Junk::new(
        named("a body that waits to be asked for"),
        expect,
        &with(&[400, 417]),
    ));
    for junk in &mut all[begun..] {
        // What goes on without end does not.
        junk.hangs_up = true;
    }
    all
}

/// What says in two ways where a request ends. Whatever it is taken for, `inner` must not be answered.
pub fn ambiguous(path: &str, codes: &[u16]) -> Vec<Junk> {
    let inner = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    let shapes = [
        (
            "two lengths",
            format!(
                "Content-Length: 0\r\nContent-Length: {}\r\n\r\n{inner}",
                inner.len()
            ),
        ),
        (
            "two lengths in one",
            format!("Content-Length: 0, {}\r\n\r\n{inner}", inner.len()),
        ),
        (
            "chunked and a length",
            format!(
                "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{:x}\r\n{inner}\r\n0\r\n\r\n",
                inner.len()
            ),
        ),
        (
            "a length and chunked",
            format!(
                "Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}",
                inner.len() + 5
            ),
        ),
        (
            "an odd coding",
            format!(
                "Transfer-Encoding: xchunked\r\nContent-Length: {}\r\n\r\n{inner}",
                inner.len()
            ),
        ),
        (
            "chunked not last",
            format!("Transfer-Encoding: chunked, identity\r\n\r\n{inner}"),
        ),
        (
            "chunked with a tab",
            format!(
                "Transfer-Encoding:\tchunked\r\nContent-Length: {}\r\n\r\n0\r\n\r\n{inner}",
                inner.len() + 5
            ),
        ),
        (
            "a space before the colon",
            format!(
                "Transfer-Encoding : chunked\r\nContent-Length: {}\r\n\r\n{inner}",
                inner.len()
            ),
        ),
        (
            "a folded header",
            format!(
                "X: y\r\n Content-Length: 0\r\nContent-Length: {}\r\n\r\n{inner}",
                inner.len()
            ),
        ),
        (
            "bare line feeds",
            format!("Content-Length: {}\n\n{inner}", inner.len()),
        ),
        (
            "a zero byte",
            format!("X: \0\r\nContent-Length: {}\r\n\r\n{inner}", inner.len()),
        ),
    ];
    let junk = |(what, rest): (&str, String)| {
        let request = format!("POST {path} HTTP/1.1\r\nHost: x\r\n{rest}");
        let codes = [codes, &[400]].concat();
        // After a body of length 0 the rest would be a request of its own.
        Junk::new(format!("{path}: {what}"), request, &codes).hanging_up()
    };
    shapes.map(junk).into()
}

/// What is no request of HTTP/1.1, or has headers without measure. `codes` are those of `path`.
pub fn no_requests(path: &str, codes: &[u16]) -> Vec<Junk> {
    let refused = &[400, 404, 414, 431, 505][..];
    let all = [codes, refused].concat();
    let megabyte = "x".repeat(1024 * 1024);
    let tls = [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        &[7; 512],
    ]
    .concat();
    let many: String = (0..10_000).map(|n| format!("X-{n}: y\r\n")).collect();
    let smuggler = "POST * HTTP/1.1\r\nHost: x\r\n\r\n";
    [
        ("HTTP/0.9", format!("GET {path}\r\n").into_bytes()),
        ("HTTP/1.0", format!("GET {path} HTTP/1.0\r\n\r\n").into_bytes()),
        ("HTTP/3.7", format!("GET {path} HTTP/3.7\r\n\r\n").into_bytes()),
        ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec()),
        ("an upgrade to HTTP/2", format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n").into_bytes()),
        ("an upgrade to a WebSocket", format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").into_bytes()),
        ("a hello of TLS", tls),
        ("a header of 1 MiB", format!("GET {path} HTTP/1.1\r\nHost: x\r\nX: {megabyte}\r\n\r\n").into_bytes()),
        ("a header name of 1 MiB", format!("GET {path} HTTP/1.1\r\nHost: x\r\n{megabyte}: y\r\n\r\n").into_bytes()),
        ("10,000 headers", format!("GET {path} HTTP/1.1\r\nHost: x\r\n{many}\r\n").into_bytes()),
        ("a path of 1 MiB", format!("GET {path}/{megabyte} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes()),
        ("a method of 1 MiB", format!("{megabyte} {path} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes()),
        ("no request at all", vec![b'\n'; 1024 * 1024]),
        ("zeros", vec![0; LARGE]),
        ("a star", smuggler.into()),
        ("an absolute path", format!("GET http://elsewhere{path} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes()),
        ("no host", format!("GET {path} HTTP/1.1\r\n\r\n").into_bytes()),
        ("a path that climbs", b"GET /../../../proc/self/environ HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("a path of control characters", b"GET /%00%0d%0a HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("nothing", Vec::new()),
    ]
    .map(|(what, bytes)| Junk::new(what, bytes, &all).hanging_up())
    .into()
}

/// A request with some bytes changed, left out or doubled at random.
pub fn damaged(path: &str, random: &mut Random) -> Junk {
    let body =
        b"apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nspec: {encryptedData: {a: AgB}}\n";
    let mut bytes = with_body("POST", path, "Accept: */*\r\n", body);
    for _ in 0..1 + random.below(6) {
        let at = random.below(bytes.len());
        match random.below(4) {
            0 => bytes[at] = random.byte(),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, bytes[at]),
            _ => {
                let end = (at + random.below(12)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
        }
    }
    let codes = [200, 400, 404, 409, 413, 414, 417, 431, 500, 501, 505];
    Junk::new(format!("{path}: {}", bytes.escape_ascii()), bytes, &codes).answered(3)
}
