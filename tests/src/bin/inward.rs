//! Passes connections out of a network namespace: it runs inside and listens on an address there, and passes each on to a
//! socket in a folder, which is the same inside and outside. The port it got is the first line of its output.

use std::{
    env, io,
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    thread,
};

#[expect(clippy::print_stdout, reason = "whoever starts it reads the port")]
fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let mut next = || {
        arguments
            .next()
            .ok_or_else(|| io::Error::other("an address to listen on and a socket are needed"))
    };
    let (address, socket) = (next()?, next()?);
    let listener = TcpListener::bind((address.as_str(), 0))?;
    println!("{}", listener.local_addr()?.port());
    for inside in listener.incoming() {
        let inside = inside?;
        // Nobody listens any longer: whoever connected sees the connection closed.
        if let Ok(outside) = UnixStream::connect(&socket) {
            // One that breaks meanwhile ends alone.
            drop(pass(inside, outside));
        }
    }
    Ok(())
}

/// Passes on what either has to say, beside everything else. The one outside ends both.
fn pass(inside: TcpStream, outside: UnixStream) -> io::Result<()> {
    inside.set_nodelay(true)?;
    let (mut to_outside, mut from_inside) = (outside.try_clone()?, inside.try_clone()?);
    thread::spawn(move || {
        drop(io::copy(&mut from_inside, &mut to_outside));
        drop(to_outside.shutdown(Shutdown::Write));
    });
    let (mut outside, mut inside) = (outside, inside);
    thread::spawn(move || {
        drop(io::copy(&mut outside, &mut inside));
        drop(inside.shutdown(Shutdown::Both));
    });
    Ok(())
}
