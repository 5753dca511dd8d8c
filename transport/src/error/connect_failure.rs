//! What exactly was in the way, as far as it decides what to do about it.

/// A cause that is known well enough for a hint of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectFailure {
    /// Nothing listens on that port.
    ConnectionRefused,
    /// No address belongs to the host's name.
    NameUnknown,
    /// Nobody answered in time which address the host's name has.
    NameUnanswered,
    /// The host did not answer in time, or there is no way to it.
    HostSilent,
    /// The proxy of the environment did not connect us.
    Proxy,
    /// What listens there does not speak TLS.
    NoTls,
    /// The server's certificate comes from nobody we trust.
    UnknownAuthority,
    /// The server's certificate is one for signing others.
    AuthorityAsServer,
    CertificateExpired,
    CertificateNotYetValid,
    /// The server's certificate is for another host.
    WrongHost,
    /// The server wants to see a certificate of ours.
    ClientCertificateMissing,
    /// The server does not take the certificate of ours.
    ClientCertificateRefused,
}
