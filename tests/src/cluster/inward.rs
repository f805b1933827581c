//! The way from the network of a control plane to a test: a port there, whose connections the test serves.

use std::{
    io::{self, Read},
    os::unix::net::{UnixListener, UnixStream},
    process::{Child, Stdio},
    sync::Arc,
    thread,
};

use super::pod::first_line;
use crate::{
    control_plane::{ADDRESS, ControlPlane},
    programs,
    scratch::Scratch,
};

/// A port at [`ADDRESS`] in the network of a control plane. Dropped, nobody listens there any longer.
#[derive(Debug)]
pub(super) struct Inward {
    port: u16,
    program: Child,
    // The socket is in it.
    _folder: Scratch,
}

impl Inward {
    /// Opens one; each connection is served by a thread of its own.
    ///
    /// # Panics
    ///
    /// When the network cannot be listened in.
    pub(super) fn start(
        plane: &ControlPlane,
        serve: impl Fn(UnixStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let folder = Scratch::new();
        let socket = folder.path().join("inward");
        let listener = UnixListener::bind(&socket).expect("the folder is ours");
        let mut program = plane
            .enclose(programs::folder().join("inward"))
            .arg(ADDRESS)
            .arg(&socket)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`nsenter` is there");
        let output = program.stdout.take().expect("standard output is a pipe");
        let port = first_line(output)
            .parse()
            .expect("an address of the network can be listened on");
        let serve = Arc::new(serve);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let serve = Arc::clone(&serve);
                // A connection that breaks ends alone.
                thread::spawn(move || drop(serve(client)));
            }
        });
        Self {
            port,
            program,
            _folder: folder,
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Inward {
    fn drop(&mut self) {
        // It fails only for a process that is gone already.
        drop(self.program.kill());
        drop(self.program.wait());
    }
}

/// Reads a request of HTTP/1.1: its head and its body; none where there is no request.
pub(super) fn read_request(client: &mut impl Read) -> io::Result<Option<(String, Vec<u8>)>> {
    const END: &[u8] = b"\r\n\r\n";
    let (mut read, mut part) = (Vec::new(), [0; 8192]);
    let mut body = loop {
        if let Some(end) = read.windows(END.len()).position(|window| window == END) {
            break read.split_off(end + END.len());
        }
        match client.read(&mut part)? {
            0 => return Ok(None),
            length => read.extend_from_slice(&part[..length]),
        }
    };
    let head = String::from_utf8_lossy(&read).into_owned();
    let begun = body.len();
    body.resize(content_length(&head).max(begun), 0);
    client.read_exact(&mut body[begun..])?;
    Ok(Some((head, body)))
}

fn content_length(head: &str) -> usize {
    let headers = head.lines().filter_map(|line| line.split_once(':'));
    headers
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .find_map(|(_, length)| length.trim().parse().ok())
        .unwrap_or(0)
}
