//! What gptme up to 0.28 serves on a port while it runs, instead of exporting it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prompush::HttpUrl;
use prompush_otlp::Rules;
use prompush_otlp::receiver::{InstanceSnapshot, ReceiverError, Scraper, ScraperConfig};
use rustix::net::sockopt::set_socket_reuseaddr;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, socket_with};

/// Time between two reads: what gptme counts after the last one is lost. Nobody is there with newer gptme, which a
/// process of the same machine is told at once.
const INTERVAL: Duration = Duration::from_millis(500);
/// The name that every machine has for itself.
const LOCALHOST: &str = "localhost";

/// A place where gptme up to 0.28 is to serve its metrics.
#[derive(Debug)]
pub(crate) struct Place {
    /// Host and port, as they stand in a URL.
    authority: String,
    chosen: Option<Chosen>,
}

/// A port that was chosen here.
#[derive(Debug)]
struct Chosen {
    address: SocketAddr,
    /// Bound, so that nobody else is given the port, and not listening, so that gptme can.
    _socket: OwnedFd,
}

impl Place {
    /// A free port of the loopback interface.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn choose() -> io::Result<Self> {
        let (socket, address) = reserve(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let chosen = Some(Chosen { address, _socket: socket });
        Ok(Self { authority: address.to_string(), chosen })
    }

    /// Where the user has gptme serve.
    ///
    /// # Errors
    /// If somebody does so already, and for a host that has to be looked up elsewhere.
    pub(crate) fn given(host: &str, port: u16) -> io::Result<Self> {
        if host == LOCALHOST {
            for address in (host, port).to_socket_addrs()? {
                reserve(address)?;
            }
            return Ok(Self { authority: format!("{host}:{port}"), chosen: None });
        }
        let ip: IpAddr = host.parse().map_err(|_| io::ErrorKind::InvalidInput)?;
        reserve(SocketAddr::new(ip, port))?;
        let authority = SocketAddr::new(on_this_machine(ip), port).to_string();
        Ok(Self { authority, chosen: None })
    }

    /// What gptme has to be told; nothing where the user has done so.
    pub(crate) fn address_to_tell(&self) -> Option<SocketAddr> {
        self.chosen.as_ref().map(|chosen| chosen.address)
    }
}

/// What a gptme serves, read again and again.
#[derive(Debug)]
pub(crate) struct Served {
    scraper: Scraper,
    /// What was read last: the scraper hands out once what has ended.
    last: Mutex<Option<InstanceSnapshot>>,
    _place: Place,
}

impl Served {
    /// Reads what the process with that ID, or one that it started, serves at `place`.
    ///
    /// # Errors
    /// If no thread can be started.
    pub(crate) fn start(
        place: Place,
        process_id: u32,
        rules: Arc<Rules>,
    ) -> Result<Self, ReceiverError> {
        let url = HttpUrl::parse(&format!("http://{}/metrics", place.authority));
        let url = url.map_err(ReceiverError::Config)?;
        // Nobody else has a port that was chosen here.
        let only_of = place.chosen.is_none().then_some(process_id);
        let config = ScraperConfig::new(url).interval(INTERVAL).rules(rules).process_id(only_of);
        let scraper = Scraper::start(config)?;
        Ok(Self { scraper, last: Mutex::default(), _place: place })
    }

    /// What it served last.
    pub(crate) fn last(&self) -> Option<InstanceSnapshot> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(newer) = self.scraper.instances().pop() {
            *last = Some(newer);
        }
        last.clone()
    }
}

/// Binds a socket to that address, without listening. Whoever sets `SO_REUSEADDR`, as Python's HTTP servers do, can
/// bind another one and listen.
fn reserve(address: SocketAddr) -> io::Result<(OwnedFd, SocketAddr)> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &address)?;
    let bound = SocketAddr::try_from(getsockname(&socket)?)?;
    Ok((socket, bound))
}

/// Where a server that listens on that address is reached.
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
        let place = Place::choose().unwrap();
        let address = place.address_to_tell().unwrap();
        assert!(address.ip().is_loopback());
        let given = |host| Place::given(host, address.port());
        // The standard library sets SO_REUSEADDR.
        let server = TcpListener::bind(address).unwrap();
        for host in ["127.0.0.1", "0.0.0.0", LOCALHOST] {
            assert!(given(host).is_err(), "somebody listens: {host}");
        }
        drop((server, place));
        for (host, expected) in
            [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), (LOCALHOST, LOCALHOST)]
        {
            let place = given(host).unwrap();
            assert_eq!(place.authority, format!("{expected}:{}", address.port()));
            assert_eq!(place.address_to_tell(), None);
        }
        assert!(given("a.example").is_err(), "nobody is asked");
    }
}
