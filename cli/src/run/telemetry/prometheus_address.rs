//! The address on which gptme up to 0.28 serves its metrics.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::os::fd::OwnedFd;

use rustix::net::sockopt::set_socket_reuseaddr;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, socket_with};

/// The name that every machine has for itself.
const LOCALHOST: &str = "localhost";

/// The address of the server of one gptme.
#[derive(Debug)]
pub(crate) struct PrometheusAddress {
    /// Host and port, as in a URL.
    pub(super) authority: String,
    /// The reservation of the port. `None` if the user chose the address.
    reserved: Option<ReservedPort>,
}

/// A port that no other program is given.
#[derive(Debug)]
struct ReservedPort {
    address: SocketAddr,
    /// The socket is bound, so that no other program is given the port. It does not listen, so that gptme can.
    _socket: OwnedFd,
}

impl PrometheusAddress {
    /// Reserves a free port of the loopback interface.
    ///
    /// # Errors
    /// If no port is free.
    pub(super) fn reserve() -> io::Result<Self> {
        let (socket, address) = bind_port(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let reserved = Some(ReservedPort { address, _socket: socket });
        Ok(Self { authority: address.to_string(), reserved })
    }

    /// The address that the user chose.
    ///
    /// # Errors
    /// If another program listens there, and if the host is neither an IP address nor `localhost`.
    pub(super) fn chosen_by_user(host: &str, port: u16) -> io::Result<Self> {
        if host == LOCALHOST {
            for address in (host, port).to_socket_addrs()? {
                bind_port(address)?;
            }
            return Ok(Self { authority: format!("{host}:{port}"), reserved: None });
        }
        let ip: IpAddr = host.parse().map_err(|_| io::ErrorKind::InvalidInput)?;
        bind_port(SocketAddr::new(ip, port))?;
        let authority = SocketAddr::new(on_this_machine(ip), port).to_string();
        Ok(Self { authority, reserved: None })
    }

    /// The address to put into the environment of gptme. `None` if the user has set it there.
    pub(super) fn for_environment(&self) -> Option<SocketAddr> {
        self.reserved.as_ref().map(|reserved| reserved.address)
    }

    /// Whether only the gptme of this run can listen on the address.
    pub(super) fn is_reserved(&self) -> bool {
        self.reserved.is_some()
    }
}

/// Binds a socket to an address, without listening. A program that sets `SO_REUSEADDR`, as the HTTP servers of Python
/// do, can bind a second socket to the address and listen on it.
fn bind_port(address: SocketAddr) -> io::Result<(OwnedFd, SocketAddr)> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &address)?;
    let bound = SocketAddr::try_from(getsockname(&socket)?)?;
    Ok((socket, bound))
}

/// The address on which this machine reaches a server that listens on `ip`.
fn on_this_machine(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_port_is_kept_for_a_server() {
        let reserved = PrometheusAddress::reserve().unwrap();
        let address = reserved.for_environment().unwrap();
        assert!(address.ip().is_loopback());
        let given = |host| PrometheusAddress::chosen_by_user(host, address.port());
        // The standard library sets SO_REUSEADDR.
        let server = TcpListener::bind(address).unwrap();
        for host in ["127.0.0.1", "0.0.0.0", LOCALHOST] {
            assert!(given(host).is_err(), "somebody listens: {host}");
        }
        drop((server, reserved));
        for (host, expected) in
            [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), (LOCALHOST, LOCALHOST)]
        {
            let reserved = given(host).unwrap();
            assert_eq!(reserved.authority, format!("{expected}:{}", address.port()));
            assert_eq!(reserved.for_environment(), None);
        }
        assert!(given("a.example").is_err(), "nobody is asked");
    }
}
