//! An answer of HTTP/1.1 that is taken apart, so that it can be put together in another way.

use std::io::{self, BufRead, BufReader, Read, Write};

use super::fault::Broken;

/// An answer: its head, and its body without what frames it.
#[derive(Debug)]
pub(super) struct Answer<R> {
    head: String,
    rest: BufReader<R>,
    /// How much of the body, or of a chunk, is still to come; none where the end of the connection is its end.
    left: Option<usize>,
    is_chunked: bool,
}

impl<R: Read> Answer<R> {
    /// Reads the head of an answer.
    pub(super) fn begin(from: R) -> io::Result<Self> {
        let mut rest = BufReader::new(from);
        let (mut head, mut left, mut is_chunked) = (String::new(), None, false);
        loop {
            let mut line = String::new();
            if rest.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line == "\r\n" {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            match name.to_ascii_lowercase().as_str() {
                "content-length" => left = value.trim().parse().ok(),
                "transfer-encoding" => is_chunked = true,
                "connection" => {}
                _ => head.push_str(&line),
            }
        }
        if is_chunked {
            left = Some(0);
        }
        Ok(Self {
            head,
            rest,
            left,
            is_chunked,
        })
    }

    /// The whole body.
    pub(super) fn body(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        self.read_to_end(&mut body)?;
        Ok(body)
    }

    /// The next line, with its end; empty where there is none.
    pub(super) fn line(&mut self) -> io::Result<Vec<u8>> {
        let (mut line, mut byte) = (Vec::new(), [0]);
        while self.read(&mut byte)? == 1 {
            line.push(byte[0]);
            if byte[0] == b'\n' {
                break;
            }
        }
        Ok(line)
    }

    /// Begins to pass it on, in chunks.
    pub(super) fn pass_on_head(&self, to: &mut impl Write) -> io::Result<()> {
        let head = &self.head;
        write!(
            to,
            "{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )
    }

    /// Passes on the head, and of a body, or of the first part of one, the first half.
    pub(super) fn pass_on_half(
        &self,
        to: &mut impl Write,
        body: &[u8],
        broken: Broken,
    ) -> io::Result<()> {
        let half = &body[..body.len() / 2];
        let (head, whole) = (&self.head, body.len());
        match broken {
            Broken::Length => {
                write!(
                    to,
                    "{head}Content-Length: {whole}\r\nConnection: close\r\n\r\n"
                )?;
                to.write_all(half)
            }
            Broken::Chunk | Broken::Reset => {
                self.pass_on_head(to)?;
                write!(to, "{whole:x}\r\n")?;
                to.write_all(half)
            }
            Broken::Unnoticed => {
                self.pass_on_head(to)?;
                pass_on_chunk(to, half)?;
                pass_on_chunk(to, &[])
            }
        }
    }

    /// The length of the chunk that comes.
    fn begin_chunk(&mut self) -> io::Result<usize> {
        let mut line = String::new();
        self.rest.read_line(&mut line)?;
        if line == "\r\n" {
            // The end of the one before.
            line.clear();
            self.rest.read_line(&mut line)?;
        }
        let length = usize::from_str_radix(line.trim(), 16);
        length.map_err(|_| io::ErrorKind::UnexpectedEof.into())
    }
}

impl<R: Read> Read for Answer<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.is_chunked && self.left == Some(0) {
            let length = self.begin_chunk()?;
            self.left = Some(length);
            self.is_chunked = length > 0;
        }
        let most = self.left.unwrap_or(into.len()).min(into.len());
        let read = self.rest.read(&mut into[..most])?;
        self.left = self.left.map(|left| left - read);
        Ok(read)
    }
}

/// Passes on a chunk; an empty one is the end.
pub(super) fn pass_on_chunk(to: &mut impl Write, chunk: &[u8]) -> io::Result<()> {
    // In one piece, as whoever reads it has it in one then.
    let mut framed = format!("{:x}\r\n", chunk.len()).into_bytes();
    framed.extend_from_slice(chunk);
    framed.extend_from_slice(b"\r\n");
    to.write_all(&framed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n";

    fn body(answer: &str) -> String {
        let mut answer = Answer::begin(answer.as_bytes()).unwrap();
        assert_eq!(answer.head, HEAD);
        String::from_utf8(answer.body().unwrap()).unwrap()
    }

    #[test]
    fn a_body_is_known_by_its_length_by_its_chunks_or_by_the_end() {
        assert_eq!(body(&format!("{HEAD}Content-Length: 3\r\n\r\nabcd")), "abc");
        assert_eq!(
            body(&format!("{HEAD}Connection: close\r\n\r\nabcd")),
            "abcd"
        );
        let chunks = "3\r\nabc\r\nA\r\n\n123456789\r\n0\r\n\r\n";
        let chunked = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{chunks}");
        assert_eq!(body(&chunked), "abc\n123456789");
        let mut answer = Answer::begin(chunked.as_bytes()).unwrap();
        assert_eq!(answer.line().unwrap(), b"abc\n");
        assert_eq!(answer.line().unwrap(), b"123456789");
        assert_eq!(answer.line().unwrap(), b"");
    }

    #[test]
    fn half_of_a_body_arrives_and_says_that_it_is_whole_or_is_seen_to_break_off() {
        let whole = format!("{HEAD}Content-Length: 6\r\n\r\nabcdef");
        let expected = [
            (
                Broken::Length,
                "Content-Length: 6\r\nConnection: close\r\n\r\nabc",
            ),
            (
                Broken::Chunk,
                "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n6\r\nabc",
            ),
            (
                Broken::Reset,
                "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n6\r\nabc",
            ),
            (
                Broken::Unnoticed,
                "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            ),
        ];
        for (broken, rest) in expected {
            let mut answer = Answer::begin(whole.as_bytes()).unwrap();
            let (body, mut passed) = (answer.body().unwrap(), Vec::new());
            answer.pass_on_half(&mut passed, &body, broken).unwrap();
            assert_eq!(String::from_utf8(passed).unwrap(), format!("{HEAD}{rest}"));
        }
    }
}
