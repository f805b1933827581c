//! Listens on an address in the network namespace in which it runs, and hands the listener to whoever started it, through
//! the socket that is its standard input.

use std::{
    env,
    io::{self, IoSlice},
    mem::MaybeUninit,
    net::TcpListener,
    os::fd::AsFd,
};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

fn main() -> io::Result<()> {
    let address = env::args()
        .nth(1)
        .ok_or_else(|| io::Error::other("an address to listen on is needed"))?;
    let listener = TcpListener::bind((address.as_str(), 0))?;
    let handed = [listener.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&handed));
    // It goes with a byte.
    sendmsg(
        io::stdin(),
        &[IoSlice::new(&[0])],
        &mut control,
        SendFlags::empty(),
    )?;
    Ok(())
}
