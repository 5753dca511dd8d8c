//! How a connection by `https` is secured: whom to trust, and who we are.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::error::config::ConfigError;
use crate::http::secret::{read_bytes, warn_if_open_to_all};

/// Whom to trust and who we are, on connections by `https`.
///
/// By default a server's certificate must come from a public authority (Mozilla's list, built in;
/// the system's own list is not looked at) and be for the host of the URL, and we show none.
/// Files are read here, once: a pusher that outlives its certificate has to be started again.
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
    /// Empty: the public ones.
    authorities: Vec<CertificateDer<'static>>,
    identity: Option<Arc<Identity>>,
    insecure: bool,
}

/// A client certificate with what leads to its authority, and its key. Invariant: they match.
#[derive(PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// The HTTP client takes a key in PEM only.
    pub(crate) key_pem: Vec<u8>,
}

impl Tls {
    /// Trusts the authorities in this PEM file, in place of the public ones; a second call adds to
    /// the first. The whole list of a system is one file, too: `/etc/ssl/certs/ca-certificates.crt`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::File`] when the file cannot be read or holds no certificate.
    pub fn ca_file(mut self, path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let authorities = certificates(path)?;
        // One that cannot be read is passed over where there are others, as TLS libraries do with a
        // system's list, which may hold very old ones.
        let (usable, _) =
            RootCertStore::empty().add_parsable_certificates(authorities.iter().cloned());
        if usable == 0 {
            return Err(unusable(path, "a certificate that can be read"));
        }
        self.authorities.extend(authorities);
        Ok(self)
    }

    /// Shows the server this certificate, which may be followed by those that lead to its authority,
    /// and proves it by this key; both are PEM files, and may be the same.
    ///
    /// # Errors
    ///
    /// [`ConfigError::File`] when a file cannot be read or holds no certificate or key, and
    /// [`ConfigError::ClientCertificate`] when the key is not the certificate's.
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

    /// Takes any certificate of any host, so that whoever is in between can read and change
    /// everything, credentials too. For a test at most; each gateway set up so is warned of through
    /// the `log` package.
    #[must_use]
    pub fn insecure(mut self, insecure: bool) -> Self {
        self.insecure = insecure;
        self
    }

    pub(crate) fn is_insecure(&self) -> bool {
        self.insecure
    }

    /// Empty: the public ones.
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
