//! Where a server listens, in Go's words.

use std::{
    fmt, io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs},
};

/// Where a server listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListenAddress {
    /// At every address of the machine: `:8080`.
    Everywhere(u16),
    /// At one address.
    At(SocketAddr),
}

impl ListenAddress {
    /// Reads `:PORT`, `ADDRESS:PORT` or `NAME:PORT`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "is not an address and a port, such as :8080 or 127.0.0.1:8080";
        if let Some(port) = text.strip_prefix(':') {
            return match port.parse() {
                Ok(port) => Ok(Self::Everywhere(port)),
                Err(_) => Err(EXPECTED.to_owned()),
            };
        }
        let mut addresses = text.to_socket_addrs().map_err(|_| EXPECTED.to_owned())?;
        addresses
            .next()
            .map(Self::At)
            .ok_or_else(|| EXPECTED.to_owned())
    }

    /// Whether only this machine reaches it.
    pub fn is_loopback(self) -> bool {
        match self {
            Self::Everywhere(_) => false,
            Self::At(address) => address.ip().is_loopback(),
        }
    }

    /// Listens, without blocking, as an asynchronous runtime needs it.
    ///
    /// # Errors
    ///
    /// The operating system's, such as that the address is taken.
    pub fn listen(self) -> io::Result<TcpListener> {
        let listener = match self {
            Self::At(address) => TcpListener::bind(address),
            // A socket of IPv6 takes both; there may be no IPv6.
            Self::Everywhere(port) => {
                TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).or_else(|error| {
                    match error.kind() {
                        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => Err(error),
                        _ => TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)),
                    }
                })
            }
        }?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere(port) => write!(formatter, ":{port}"),
            Self::At(address) => address.fmt(formatter),
        }
    }
}
