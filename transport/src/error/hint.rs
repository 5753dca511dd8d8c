//! Advice about errors, as data and in words.

use std::fmt;
use std::time::Duration;

/// The default port of a Pushgateway.
const GATEWAY_PORT: u16 = 9091;

/// Ports that are mistaken for a Pushgateway's, and the programs that listen there.
const OTHER_PORTS: &[(u16, &str)] = &[
    (9090, "Prometheus itself"),
    (9093, "Alertmanager"),
    (9100, "the node exporter"),
    (4317, "OTLP, by gRPC"),
    (4318, "OTLP, by HTTP"),
    (3000, "Grafana"),
];

/// Advice about an error.
///
/// `Display` words the advice for a Rust program, with the names of this library's options.
/// [`to_text`](Self::to_text) takes other names for the options, such as the flags of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// The gateway cannot parse the body as text format.
    NotTextFormat,
    /// The gateway does not understand the grouping key in the URL.
    GroupingKeyNotUnderstood,
    /// The gateway speaks TLS, and the URL begins with `http://`.
    UseHttps,
    /// The body did not arrive as it was sent.
    BodyDamaged,
    /// The server is a `VictoriaMetrics` older than 1.84, which takes no pushes.
    VictoriaMetricsTooOld,
    /// The gateway's URL has a path that is not a route prefix.
    UseBaseUrl,
    /// The pushed metrics have timestamps.
    DropTimestamps,
    /// The gateway has a metric of its own with the same name and another type.
    NameOfGatewayMetric,
    /// A series is pushed twice, or another group holds the same series.
    SeriesTwice,
    /// A label name begins with `__`.
    ReservedLabelName,
    /// A label is called `le` or `quantile`.
    LabelOfFormat,
    /// Another group holds a metric of the same name with another type.
    TypeClash,
    /// A label value or a grouping key is not UTF-8.
    NotUtf8,
    /// The gateway, or a proxy, wants credentials.
    GiveCredentials,
    /// The credentials do not permit the operation.
    NotPermitted,
    /// The server does not know the path: it may not be a Pushgateway.
    CheckUrl {
        /// The port in the gateway's URL.
        port: Option<u16>,
    },
    /// The proxy of the environment wants credentials.
    GiveProxyCredentials,
    /// The gateway, or a proxy, takes no body of this size.
    PushSmallerBodies {
        /// Whether the body was sent uncompressed.
        can_compress: bool,
    },
    /// A limit of this library was exceeded.
    PushLessOrRaiseLimit,
    /// The gateway answered with a redirect.
    FollowRedirect {
        /// The target of the redirect.
        location: Option<String>,
    },
    /// The gateway asked for a pause that is longer than the time that was left.
    TryAgainAfter {
        /// How long the gateway asks the client to stay away.
        time: Duration,
    },
    /// The metrics on the gateway contradict each other.
    GatewayInconsistent,
    /// The gateway asks for fewer requests.
    PushLessOften,
    /// A proxy answers, and cannot reach the gateway.
    ProxyWithoutGateway,
    /// The gateway is starting, stopping or overloaded.
    GatewayBusy,
    /// There was no answer in time.
    AllowMoreTime {
        /// The port in the gateway's URL.
        port: Option<u16>,
    },
    /// The connection was closed on a push, which may be a refusal by Pushgateway 1.11.0.
    PushDropped,
    /// The connection was closed without an answer.
    IsItAGateway,
    /// Something other than a Pushgateway answered.
    NotAGateway {
        /// The port in the gateway's URL.
        port: Option<u16>,
    },
    /// The pusher was started before a `fork`.
    StartAfterFork,
    /// The host's name has no address.
    NameUnknown,
    /// The name server does not answer.
    NameServerSilent,
    /// Nothing listens on the port.
    NothingListens {
        /// The port in the gateway's URL.
        port: Option<u16>,
    },
    /// The host does not answer.
    HostSilent,
    /// The proxy of the environment did not connect to the gateway.
    ProxyRefused,
    /// No connection was made, for another reason.
    CheckHostAndPort,
    /// The server does not speak TLS, and the URL begins with `https://`.
    UseHttp {
        /// The gateway's URL with `http://`, credentials shown as `***`.
        url: String,
    },
    /// An authority that is not trusted signed the server's certificate.
    TrustAuthority,
    /// The server's certificate is one for signing other certificates.
    AuthorityAsServer,
    /// The server's certificate has expired.
    CertificateExpired,
    /// The server's certificate is not valid yet.
    CertificateNotYetValid,
    /// The server's certificate is for another host.
    WrongHost,
    /// The server wants a client certificate.
    GiveClientCertificate,
    /// The server does not accept the client certificate.
    ClientCertificateRefused,
    /// The TLS handshake failed for another reason.
    CheckTls,
    /// Another process uses the spool.
    SpoolInUse,
    /// The disk of the spool is full.
    SpoolDiskFull,
    /// The user may not write to the spool.
    SpoolNotWritable,
    /// The spool is not a directory.
    SpoolNotADirectory,
}

/// The names of a gateway's options in hints.
///
/// Each name is text for a sentence, with its backticks. The [`Default`] has the names of this library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionNames {
    /// The options that limit the time of one attempt and of the whole operation.
    pub timeouts: &'static str,
    /// The option that limits the time of the whole operation.
    pub total_timeout: &'static str,
    /// The option that compresses bodies.
    pub gzip: &'static str,
    /// The options that give credentials.
    pub credentials: &'static str,
    /// The option that names a file of trusted authorities.
    pub ca_file: &'static str,
    /// The options that name the files of a client certificate and its key.
    pub client_files: &'static str,
}

impl Default for OptionNames {
    fn default() -> Self {
        Self {
            timeouts: "`attempt_timeout` and `total_timeout`",
            total_timeout: "`total_timeout`",
            gzip: "`gzip`",
            credentials: "`Credentials`",
            ca_file: "`Tls::ca_file`",
            client_files: "`Tls::client_files`",
        }
    }
}

impl Hint {
    /// Words the advice with these names of options.
    pub fn to_text(&self, names: &OptionNames) -> String {
        self.about_content()
            .or_else(|| self.about_network())
            .map_or_else(|| self.with_names(names), str::to_owned)
    }

    /// The fixed advice about metrics, files and processes.
    fn about_content(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotTextFormat => {
                "the body is not in the Prometheus text format 0.0.4; `prompush check` shows every \
                 place"
            }
            Self::GroupingKeyNotUnderstood => {
                "the grouping key in the URL was not understood: is the gateway's URL its base URL, \
                 without `/metrics/job/…`?"
            }
            Self::BodyDamaged => {
                "the gateway could not decompress or decode the body: does a proxy in between change \
                 it?"
            }
            Self::DropTimestamps => "drop the timestamps: a Pushgateway refuses them",
            Self::NameOfGatewayMetric => {
                "the gateway has a metric of its own with this name and another type: rename yours"
            }
            Self::SeriesTwice => {
                "two series become the same once the labels of the grouping key are laid over them, \
                 or another group holds this very series: give them a label that differs"
            }
            Self::ReservedLabelName => "rename the label: names that begin with `__` are reserved",
            Self::LabelOfFormat => "drop the label: `le` and `quantile` belong to the format",
            Self::TypeClash => {
                "another group holds a metric of this name with another type: rename one of them, or \
                 delete the other group (`prompush list` shows the groups)"
            }
            Self::NotUtf8 => "label values and grouping keys must be UTF-8",
            Self::GatewayInconsistent => {
                "the gateway holds metrics that contradict each other, and serves none until a group \
                 with them is deleted: the words above name them"
            }
            Self::PushLessOrRaiseLimit => "push less at once, or raise the limit",
            Self::PushDropped => {
                "is it a Pushgateway that listens there? Pushgateway 1.11.0, as in Debian 13, closes \
                 the connection where others answer 400 and a reason: does another group hold one of \
                 these metrics with another type, or do they have timestamps? `prompush check` finds \
                 what can be found without the gateway"
            }
            Self::StartAfterFork => "start the pusher after the `fork`",
            Self::SpoolInUse => "try again when it is done",
            Self::SpoolDiskFull => "make room there, or name a spool on another disk",
            Self::SpoolNotWritable => "the spool has to be a directory that this user may write to",
            Self::SpoolNotADirectory => "the spool has to be a directory",
            _ => return None,
        })
    }

    /// The fixed advice about the way to the gateway.
    fn about_network(&self) -> Option<&'static str> {
        Some(match self {
            Self::UseHttps => "the gateway wants TLS: begin its URL with `https://`",
            Self::VictoriaMetricsTooOld => {
                "this is VictoriaMetrics, and too old to take pushes: from 1.84 on it does, below \
                 `/api/v1/import/prometheus`"
            }
            Self::UseBaseUrl => {
                "this is not the path of a group: give the gateway's base URL alone"
            }
            Self::NotPermitted => {
                "these credentials, or this address of ours, may not do that: ask whoever runs the \
                 gateway, or the proxy before it"
            }
            Self::GiveProxyCredentials => {
                "a proxy wants credentials: put them into the URL in its variable, such as \
                 `HTTPS_PROXY=http://user:password@proxy:3128`"
            }
            Self::FollowRedirect { location: None } => "give the gateway's own URL",
            Self::PushLessOften => "the gateway, or a proxy before it, asks for fewer pushes",
            Self::ProxyWithoutGateway => {
                "a proxy answers, and has no gateway behind it: is the gateway running?"
            }
            Self::GatewayBusy => {
                "the gateway, or a proxy before it, is starting, stopping or overloaded: try again \
                 later"
            }
            Self::IsItAGateway => "is it a Pushgateway that listens there?",
            Self::NameUnknown => "no host of that name is known: is it spelled right?",
            Self::NameServerSilent => {
                "the name server does not answer: does this machine have a network, and is the one \
                 in `/etc/resolv.conf` right?"
            }
            Self::HostSilent => {
                "the host does not answer: is it the right one, is it up, and does a firewall in \
                 between let this port pass?"
            }
            Self::ProxyRefused => {
                "`NO_PROXY` names the hosts that are reached without the proxy; a proxy has to \
                 allow `CONNECT` to the gateway's port"
            }
            Self::CheckHostAndPort => "is the gateway running, and are host and port right?",
            Self::CertificateExpired => {
                "whoever runs the gateway has to renew its certificate; is the clock of this \
                 machine right?"
            }
            Self::CertificateNotYetValid => "is the clock of this machine right?",
            Self::WrongHost => "ask for the gateway by a name that its certificate is for",
            _ => return None,
        })
    }

    /// The advice that depends on data or on names of options.
    fn with_names(&self, names: &OptionNames) -> String {
        let OptionNames { timeouts, total_timeout, gzip, credentials, ca_file, client_files } =
            names;
        match self {
            Self::GiveCredentials => format!(
                "give credentials that the gateway, or a proxy before it, takes: {credentials}, or a \
                 user in the URL"
            ),
            Self::PushSmallerBodies { can_compress } => {
                let compressed = format!(", or compressed with {gzip}");
                let compressed = if *can_compress { compressed.as_str() } else { "" };
                format!(
                    "the gateway, or a proxy before it, takes no body of this size: push less at \
                     once{compressed}"
                )
            }
            Self::FollowRedirect { location: Some(location) } => format!(
                "give the gateway's own URL, or credentials if that is where to log in; the \
                 redirect to `{location}` shows what differs"
            ),
            Self::TryAgainAfter { time } => {
                format!("try again in {time:?}, or allow more time with {total_timeout}")
            }
            Self::AllowMoreTime { port } => format!(
                "check that a Pushgateway listens there. One with thousands of groups takes seconds \
                 for a push: delete groups that are done with, or allow more with {timeouts}{}",
                other_port(*port, "; ")
            ),
            Self::CheckUrl { port } => format!(
                "check that a Pushgateway listens there, and that the URL is its base URL: with its \
                 route prefix if it has one, and without `/metrics`.{}",
                match other_port(*port, " ") {
                    other if other.is_empty() && *port != Some(GATEWAY_PORT) => format!(
                        " A Pushgateway listens on {GATEWAY_PORT} by default; 9090 is the port of Prometheus"
                    ),
                    other => other,
                }
            ),
            Self::NotAGateway { port } => format!(
                "something else listens there, or answers in the gateway's place (a login page, a \
                 proxy): check host, port and path of the gateway's URL{}",
                other_port(*port, "; ")
            ),
            Self::NothingListens { port } => format!(
                "nothing listens on that port: check that the gateway runs and that the port is right.{}",
                usual_port(*port)
            ),
            Self::UseHttp { url } => {
                format!("the server on that port does not speak TLS: try the URL `{url}`")
            }
            Self::TrustAuthority => format!(
                "give the authority that signed it with {ca_file}; those that this machine trusts \
                 are `/etc/ssl/certs/ca-certificates.crt` on many systems"
            ),
            Self::AuthorityAsServer => format!(
                "`openssl req -x509` makes such certificates: make one with `-addext \
                 basicConstraints=critical,CA:FALSE`, and give it with {ca_file}"
            ),
            Self::GiveClientCertificate => {
                format!("give a client certificate and its key with {client_files}")
            }
            Self::ClientCertificateRefused => format!(
                "the gateway takes no client without a client certificate, or not this one: give \
                 one that its authority has signed, and its key, with {client_files}"
            ),
            _ => format!(
                "a gateway without TLS is reached by `http://`; with TLS its certificate must come \
                 from a public authority, or from one given with {ca_file}"
            ),
        }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text(&OptionNames::default()))
    }
}

/// Says which port a Pushgateway listens on, unless `port` is that port.
fn usual_port(port: Option<u16>) -> String {
    match port {
        Some(GATEWAY_PORT) => String::new(),
        Some(_) if other_port(port, "").is_empty() => {
            format!(" A Pushgateway listens on {GATEWAY_PORT} by default")
        }
        Some(_) => other_port(port, " "),
        None => format!(
            " The URL names no port, and a Pushgateway listens on {GATEWAY_PORT} by default"
        ),
    }
}

/// Says, after `separator`, which other program listens on this port as a rule; empty where none does.
fn other_port(port: Option<u16>, separator: &str) -> String {
    let other = OTHER_PORTS.iter().find(|(other, _)| port == Some(*other));
    other.map_or_else(String::new, |(port, program)| {
        format!("{separator}{port} is the port of {program}, a Pushgateway's is {GATEWAY_PORT}")
    })
}
