//! Passes connections into a network namespace: it runs inside, and its standard input is a listening socket of outside.

use std::{
    env, io,
    net::{Shutdown, TcpListener, TcpStream},
    os::fd::AsFd,
    thread,
};

fn main() -> io::Result<()> {
    let address = env::args()
        .nth(1)
        .ok_or_else(|| io::Error::other("an address to pass connections to is needed"))?;
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    for outside in TcpListener::from(socket).incoming() {
        let outside = outside?;
        // Nobody listens yet, or no longer: whoever connected sees the connection closed.
        if let Ok(inside) = TcpStream::connect(&address) {
            // One that breaks meanwhile ends alone.
            drop(pass(&outside, &inside).and_then(|()| pass(&inside, &outside)));
        }
    }
    Ok(())
}

/// Passes on what comes from one until it has no more, beside everything else.
fn pass(from: &TcpStream, to: &TcpStream) -> io::Result<()> {
    let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
    to.set_nodelay(true)?;
    thread::spawn(move || {
        // A broken connection is an ended one.
        drop(io::copy(&mut from, &mut to));
        drop(to.shutdown(Shutdown::Write));
    });
    Ok(())
}
