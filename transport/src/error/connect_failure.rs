//! Why no connection was made, as far as the advice depends on it.

/// Why no connection to the gateway was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectFailure {
    /// Nothing listens on the port.
    ConnectionRefused,
    /// The host's name has no address.
    NameUnknown,
    /// The name server did not answer in time.
    NameUnanswered,
    /// The host did not answer in time, or there is no route to it.
    HostSilent,
    /// The proxy of the environment did not connect to the gateway.
    Proxy,
    /// The server does not speak TLS.
    NoTls,
    /// An authority that is not trusted signed the server's certificate.
    UnknownAuthority,
    /// The server's certificate is one for signing other certificates.
    AuthorityAsServer,
    /// The server's certificate has expired.
    CertificateExpired,
    /// The server's certificate is not valid yet.
    CertificateNotYetValid,
    /// The server's certificate is for another host.
    WrongHost,
    /// The server wants a client certificate, and none is configured.
    ClientCertificateMissing,
    /// The server does not accept the client certificate.
    ClientCertificateRefused,
}
