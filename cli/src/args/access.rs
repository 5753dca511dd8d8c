//! Who asks, and whom to trust: part of every command that asks a gateway.

use std::path::PathBuf;

use clap::Args;

/// Secrets come from a file or from the environment, never as a value on the command line, where
/// every user of the machine can read them.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Access")]
pub(crate) struct AccessArgs {
    /// User of basic authentication; else $PROMPUSH_USER
    ///
    /// Its password comes from `--password-file`, or from `$PROMPUSH_PASSWORD_FILE` or
    /// `$PROMPUSH_PASSWORD`. User and password can stand in the gateway's URL instead.
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,

    /// File with the password of `--user`
    ///
    /// Line ends at its end do not count. The file is read again for each request, so that a
    /// password can be replaced. A file that everybody can read is used, with a warning, unless it
    /// is below `/run/secrets`.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,

    /// File with a bearer token; else $PROMPUSH_BEARER_TOKEN_FILE or $PROMPUSH_BEARER_TOKEN
    #[arg(long, value_name = "FILE", conflicts_with_all = ["user", "password_file"])]
    pub(crate) bearer_token_file: Option<PathBuf>,

    /// File with headers to send, a line `Name: value` each
    ///
    /// Else those of `$PROMPUSH_HEADER_FILE`, or the lines of `$PROMPUSH_HEADERS`. Lines that begin
    /// with `#` are left out.
    #[arg(long, value_name = "FILE")]
    pub(crate) header_file: Option<PathBuf>,

    /// PEM file of the authorities to trust, in place of the public ones; else $PROMPUSH_CA_FILE
    ///
    /// Those that this machine trusts are `/etc/ssl/certs/ca-certificates.crt` on many systems.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,

    /// PEM file with a client certificate; else $PROMPUSH_CERT_FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) cert_file: Option<PathBuf>,

    /// PEM file with the key of the client certificate; else $PROMPUSH_KEY_FILE
    ///
    /// May be the file of the certificate, if it holds both. The key has no passphrase.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// Take any certificate of any host; else $PROMPUSH_INSECURE=1
    ///
    /// Whoever is in between can then read and change everything, credentials too. Each run warns of
    /// it.
    #[arg(long)]
    pub(crate) insecure: bool,
}
