//! Who is at the other end.

use std::net::SocketAddr;

/// A connection of a client, from its acceptance to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Connection {
    pub(super) id: u64,
    pub(super) peer: SocketAddr,
    pub(super) local: SocketAddr,
}

impl Connection {
    /// A connection that is made up, for tests of handlers.
    pub fn new(id: u64, peer: SocketAddr, local: SocketAddr) -> Self {
        Self { id, peer, local }
    }

    /// Counts the connections of a host from 0; no two have the same.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The client's address. An IPv4 client of an IPv6 listener has its IPv4 address.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Our address, as the client knows it; in the form of [`peer`](Self::peer).
    pub fn local(&self) -> SocketAddr {
        self.local
    }
}

/// `::ffff:127.0.0.1` is how an IPv6 listener names an IPv4 client.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_address_is_shown_as_what_it_is() {
        let check = |given: &str, expected: &str| {
            assert_eq!(canonical(given.parse().unwrap()).to_string(), expected);
        };
        check("[::ffff:127.0.0.1]:80", "127.0.0.1:80");
        check("[::1]:80", "[::1]:80");
        check("127.0.0.1:80", "127.0.0.1:80");
    }
}
