//! Certificates for tests, created in each test.

use std::fmt;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};

/// A certificate authority. Only a client that gets its certificate trusts it.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, both in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certified {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

/// The kind of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaf<'a> {
    /// A server with these names or addresses.
    Server(&'a [&'a str]),
    /// A server with a certificate that expired in 2001.
    ExpiredServer(&'a [&'a str]),
    /// A server with a self-signed authority certificate, as `openssl req -x509` makes it.
    SelfSignedServer(&'a [&'a str]),
    /// A client.
    Client,
}

impl Authority {
    /// Creates an authority with a key of its own.
    ///
    /// # Panics
    ///
    /// When the machine has no source of randomness.
    #[track_caller]
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "prompush test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("a certificate") }
    }

    /// The certificate of the authority, in PEM.
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// Creates a key, and signs a certificate for this key.
    ///
    /// # Panics
    ///
    /// When a name is no host name or address.
    #[track_caller]
    pub fn issue(&self, leaf: Leaf<'_>) -> Certified {
        let names = match leaf {
            Leaf::Server(names) | Leaf::ExpiredServer(names) | Leaf::SelfSignedServer(names) => {
                names
            }
            Leaf::Client => &[],
        };
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("names of hosts");
        params.extended_key_usages = vec![match leaf {
            Leaf::Client => ExtendedKeyUsagePurpose::ClientAuth,
            _ => ExtendedKeyUsagePurpose::ServerAuth,
        }];
        if matches!(leaf, Leaf::ExpiredServer(_)) {
            params.not_before = date_time_ymd(2000, 1, 1);
            params.not_after = date_time_ymd(2001, 1, 1);
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = if matches!(leaf, Leaf::SelfSignedServer(_)) {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.self_signed(&key).expect("a certificate")
        } else {
            params.signed_by(&key, &self.issuer).expect("a certificate")
        };
        Certified { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Authority").finish_non_exhaustive()
    }
}
