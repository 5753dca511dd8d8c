//! Credentials and certificates: flags of every command that sends requests to a gateway.

use std::path::PathBuf;

use clap::Args;

/// A secret comes from a file or from the environment. There is no flag with a secret as its value,
/// because every user of the machine can read the command line.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Access")]
pub(crate) struct AccessArgs {
    /// User for basic authentication [default: $PROMPUSH_USER]
    ///
    /// The password comes from `--password-file`, `$PROMPUSH_PASSWORD_FILE` or
    /// `$PROMPUSH_PASSWORD`. The URL of the gateway can hold user and password instead.
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,

    /// File with the password of `--user`
    ///
    /// Line ends at the end of the file are ignored. The file is read again for each request, so
    /// the password can be replaced while the command runs. If every user can read the file, the
    /// command prints a warning, unless the file is below `/run/secrets`.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,

    /// File with a bearer token [default: $PROMPUSH_BEARER_TOKEN_FILE, then the token in
    /// $PROMPUSH_BEARER_TOKEN]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["user", "password_file"])]
    pub(crate) bearer_token_file: Option<PathBuf>,

    /// File with headers for each request, one `Name: value` a line
    ///
    /// Without this flag, the file of `$PROMPUSH_HEADER_FILE` or the lines of `$PROMPUSH_HEADERS`
    /// are used. Lines that begin with `#` are ignored.
    #[arg(long, value_name = "FILE")]
    pub(crate) header_file: Option<PathBuf>,

    /// PEM file with the certificate authorities to trust, instead of the public ones [default:
    /// $PROMPUSH_CA_FILE]
    ///
    /// On many systems, `/etc/ssl/certs/ca-certificates.crt` holds the authorities that this
    /// machine trusts.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,

    /// PEM file with a client certificate [default: $PROMPUSH_CERT_FILE]
    #[arg(long, value_name = "FILE")]
    pub(crate) cert_file: Option<PathBuf>,

    /// PEM file with the key of the client certificate [default: $PROMPUSH_KEY_FILE]
    ///
    /// One file may hold both certificate and key: name that file in both flags. The key must not have a
    /// passphrase.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// Accept any certificate of any host; $PROMPUSH_INSECURE=1 does the same
    ///
    /// An attacker between this machine and the gateway can then read and change everything,
    /// including the credentials. Each run prints a warning.
    #[arg(long)]
    pub(crate) insecure: bool,
}
