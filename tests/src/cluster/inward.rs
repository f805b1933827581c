//! The way from the network of a control plane to a test: a port there, whose connections the test serves.

use std::{
    io::{self, IoSliceMut, Read},
    mem::MaybeUninit,
    net::{TcpListener, TcpStream},
    os::{fd::OwnedFd, unix::net::UnixStream},
    sync::Arc,
    thread,
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, Shutdown, recvmsg, shutdown,
};

use crate::{
    control_plane::{ADDRESS, ControlPlane},
    programs,
};

/// A port at [`ADDRESS`] in the network of a control plane. Dropped, nobody listens there any longer.
#[derive(Debug)]
pub(super) struct Inward {
    listener: TcpListener,
}

impl Inward {
    /// Opens one; each connection is served by a thread of its own.
    ///
    /// # Panics
    ///
    /// When the network cannot be listened in.
    pub(super) fn start(
        plane: &ControlPlane,
        serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let (ours, theirs) = UnixStream::pair().expect("sockets can be made");
        let mut program = plane
            .enclose(programs::folder().join("inward"))
            .arg(ADDRESS)
            .stdin(OwnedFd::from(theirs))
            .spawn()
            .expect("`nsenter` is there");
        // A socket belongs to the network in which it was made, whoever has it.
        let listener = handed(&ours).expect("an address of the network can be listened on");
        program.wait().expect("it is our child");
        let serve = Arc::new(serve);
        let accepting = listener.try_clone().expect("there is room for files");
        thread::spawn(move || {
            for client in accepting.incoming().map_while(Result::ok) {
                let serve = Arc::clone(&serve);
                // A connection that breaks ends alone.
                thread::spawn(move || drop(serve(client)));
            }
        });
        Self { listener }
    }

    pub(super) fn port(&self) -> u16 {
        let address = self.listener.local_addr();
        address.expect("it is bound to an address").port()
    }
}

impl Drop for Inward {
    fn drop(&mut self) {
        // Then nobody is waited for any longer, and the thread ends.
        let _ = shutdown(&self.listener, Shutdown::Both);
    }
}

/// The listener that comes through a socket.
fn handed(socket: &UnixStream) -> io::Result<TcpListener> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut byte)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let handed = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut files) => files.next(),
        _ => None,
    });
    let listener = handed.ok_or_else(|| io::Error::other("nothing was handed over"))?;
    Ok(listener.into())
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
