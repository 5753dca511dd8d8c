//! Asks the kernel for the socket of one connection, without reading the list of all connections.
//!
//! This is done by hand, because `procfs` only reads `/proc/net/tcp`. On a busy machine that takes
//! milliseconds, in which the client may end. Source: `sock_diag(7)`.

use std::net::{IpAddr, SocketAddr};

/// A socket as the kernel describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Socket {
    pub(crate) inode: u64,
    /// The ID of the user that it belongs to.
    pub(crate) user: u32,
}

/// The socket that is connected from `from` to `to`; `None` when there is none, or when the kernel
/// does not answer.
pub(crate) fn socket(from: SocketAddr, to: SocketAddr) -> Option<Socket> {
    use rustix::net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send,
        socket_with,
    };

    let family = AddressFamily::NETLINK;
    let protocol = Some(netlink::SOCK_DIAG);
    let netlink = socket_with(family, SocketType::RAW, SocketFlags::CLOEXEC, protocol).ok()?;
    send(&netlink, &request(from, to), SendFlags::empty()).ok()?;
    let mut answer = [0; ANSWER_BYTES_MAX];
    // The kernel answers before `send` returns.
    let (length, _) = recv(&netlink, &mut answer, RecvFlags::DONTWAIT).ok()?;
    read(answer.get(..length)?)
}

/// An answer with all attributes is some hundred bytes long.
const ANSWER_BYTES_MAX: usize = 4096;

/// Lengths of `struct nlmsghdr` and `struct inet_diag_req_v2`, in bytes.
const HEADER_BYTES: u32 = 16;
const REQUEST_BYTES: u32 = 56;

/// `SOCK_DIAG_BY_FAMILY`, the type of request and answer.
const BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST`.
const FLAG_REQUEST: u16 = 1;
/// Address families of Linux, and the number of TCP.
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IPPROTO_TCP: u8 = 6;

/// Offsets of `idiag_uid` and `idiag_inode` in an answer: 64 and 68 in `struct inet_diag_msg`, after
/// the header.
const USER_AT: usize = 16 + 64;
const INODE_AT: usize = 16 + 68;

fn request(from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    let family = if from.is_ipv4() { AF_INET } else { AF_INET6 };
    let mut bytes = Vec::new();
    // struct nlmsghdr: length, type, flags, sequence number, port
    bytes.extend((HEADER_BYTES + REQUEST_BYTES).to_ne_bytes());
    bytes.extend(BY_FAMILY.to_ne_bytes());
    bytes.extend(FLAG_REQUEST.to_ne_bytes());
    bytes.extend([0; 8]);
    // struct inet_diag_req_v2: family, protocol, extensions, padding, all states
    bytes.extend([family, IPPROTO_TCP, 0, 0]);
    bytes.extend(u32::MAX.to_ne_bytes());
    // struct inet_diag_sockid: ports and addresses as on the wire, any interface, any cookie
    bytes.extend(from.port().to_be_bytes());
    bytes.extend(to.port().to_be_bytes());
    bytes.extend(padded_octets(from.ip()));
    bytes.extend(padded_octets(to.ip()));
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend([0xFF; 8]);
    bytes
}

/// The octets of an address, padded with zeros to 16.
fn padded_octets(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        }
        IpAddr::V6(ip) => ip.octets(),
    }
}

/// The socket in an answer; `None` for an answer of another type, which is an error.
fn read(answer: &[u8]) -> Option<Socket> {
    let number_at = |at: usize| {
        let bytes: [u8; 4] = answer.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_ne_bytes(bytes))
    };
    let (user, inode) = (number_at(USER_AT)?, number_at(INODE_AT)?);
    // Inode 0 is a socket that no process holds any more.
    let is_one = answer.get(4..6)? == BY_FAMILY.to_ne_bytes() && inode != 0;
    is_one.then_some(Socket { inode: inode.into(), user })
}
