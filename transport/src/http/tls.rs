//! The trusted authorities and the client certificate of `https` connections.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::error::ConfigError;
use crate::http::secret::{read_bytes, warn_if_open_to_all};

/// The trusted authorities and the client certificate of `https` connections.
///
/// By default a public authority must have signed the server's certificate, the certificate must be for
/// the host in the URL, and no client certificate is sent. The public authorities are Mozilla's list,
/// which is built in; the list of the system is not used. Files are read once, when they are given here:
/// a pusher that outlives its certificate has to be restarted.
///
/// ```no_run
/// use prompush::{GatewayConfig, Tls};
///
/// let tls = Tls::default()
///     .ca_file("/etc/prompush/ca.pem")?
///     .client_files("/etc/prompush/client.pem", "/etc/prompush/client-key.pem")?;
/// let config = GatewayConfig::default().tls(tls);
/// # Ok::<(), prompush::ConfigError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Empty for the public authorities.
    authorities: Vec<CertificateDer<'static>>,
    identity: Option<Arc<Identity>>,
    insecure: bool,
}

/// A client certificate with the chain to its authority, and its key.
///
/// Invariant: the key belongs to the certificate.
#[derive(PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// In PEM, because the HTTP client takes no other form.
    pub(crate) key_pem: Vec<u8>,
}

impl Tls {
    /// Trusts the authorities in this PEM file instead of the public ones. A second call adds to the first.
    ///
    /// Many systems have the list of their authorities in one file, such as
    /// `/etc/ssl/certs/ca-certificates.crt`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::File`] when the file cannot be read or has no usable certificate.
    pub fn ca_file(mut self, path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let authorities = certificates(path)?;
        // A certificate that cannot be parsed is skipped if there are others. TLS libraries do the same with
        // the list of a system, which may contain very old certificates.
        let (usable, _) =
            RootCertStore::empty().add_parsable_certificates(authorities.iter().cloned());
        if usable == 0 {
            return Err(unusable(path, "a certificate that can be read"));
        }
        self.authorities.extend(authorities);
        Ok(self)
    }

    /// Sends this client certificate, and proves it by this key. Both are PEM files, and may be the same
    /// file. The certificates that lead to the authority may follow the client certificate.
    ///
    /// # Errors
    ///
    /// [`ConfigError::File`] when a file cannot be read or has no certificate or key, and
    /// [`ConfigError::ClientCertificate`] when the key does not belong to the certificate.
    pub fn client_files(
        mut self,
        certificate: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, ConfigError> {
        let (certificate, key_path) = (certificate.as_ref(), key.as_ref());
        let chain = certificates(certificate)?;
        let key_pem = read_bytes(key_path)?;
        let key = private_key(key_path, &key_pem)?;
        let provider = rustls::crypto::ring::default_provider();
        CertifiedKey::from_der(chain.clone(), key, &provider).map_err(|error| {
            let expected = match error {
                rustls::Error::InconsistentKeys(_) => "the key that the certificate is for",
                rustls::Error::InvalidCertificate(_) => {
                    return unusable(certificate, "a certificate that can be read");
                }
                _ => "a key of a kind that is known: RSA, ECDSA (P-256, P-384) or Ed25519",
            };
            let (certificate, key) = (certificate.to_owned(), key_path.to_owned());
            ConfigError::ClientCertificate { certificate, key, expected }
        })?;
        warn_if_open_to_all(key_path);
        self.identity = Some(Arc::new(Identity { chain, key_pem }));
        Ok(self)
    }

    /// Sets whether any certificate of any host is accepted. Default: `false`.
    ///
    /// Without the check, anyone on the network path can read and change everything, credentials too. Use
    /// it in tests only. Each such gateway causes a warning through the `log` package.
    #[must_use]
    pub fn insecure(mut self, insecure: bool) -> Self {
        self.insecure = insecure;
        self
    }

    pub(crate) fn is_insecure(&self) -> bool {
        self.insecure
    }

    /// The trusted authorities; empty for the public ones.
    pub(crate) fn authorities(&self) -> &[CertificateDer<'static>] {
        &self.authorities
    }

    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.identity.as_deref()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("authorities", &self.authorities.len())
            .field("client_certificate", &self.identity.is_some())
            .field("insecure", &self.insecure)
            .finish()
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let pem = read_bytes(path)?;
    let expected = if pem.is_empty() {
        "certificates in PEM (`-----BEGIN CERTIFICATE-----`), but it is empty"
    } else {
        "certificates in PEM (`-----BEGIN CERTIFICATE-----`), and there is none in it"
    };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(unusable(path, expected)),
        Ok(found) => Ok(found),
        Err(_) => Err(unusable(path, "certificates in PEM, and one in it is cut or damaged")),
    }
}

fn private_key(path: &Path, pem: &[u8]) -> Result<PrivateKeyDer<'static>, ConfigError> {
    use rustls::pki_types::pem::Error;
    let is_encrypted = || {
        let text = String::from_utf8_lossy(pem);
        text.contains("ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED")
    };
    if pem.is_empty() {
        let expected = "a private key in PEM (`-----BEGIN PRIVATE KEY-----`), but it is empty";
        return Err(unusable(path, expected));
    }
    if is_encrypted() {
        return Err(unusable(path, "a private key without a passphrase"));
    }
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        Error::NoItemsFound => unusable(
            path,
            "a private key in PEM (`-----BEGIN PRIVATE KEY-----`), and there is none",
        ),
        _ => unusable(path, "a private key in PEM, and the one in it is cut or damaged"),
    })
}

fn unusable(path: &Path, expected: &'static str) -> ConfigError {
    ConfigError::File { path: PathBuf::from(path), expected, source: None }
}
