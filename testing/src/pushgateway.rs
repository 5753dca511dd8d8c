//! The real Pushgateway.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;

use tempfile::TempDir;

use crate::binaries;
use crate::certificates::Certified;
use crate::http::{self, Response};
use crate::process::{Launch, ServerProcess};

/// The version of a real gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// 1.5.1, as in Debian 12.
    Debian12,
    /// 1.11.2, as in Debian sid: the newest version that is available as a package.
    Sid,
}

impl Version {
    /// Both versions, the older one first.
    pub const ALL: [Self; 2] = [Self::Debian12, Self::Sid];

    /// The file name in `target/servers`.
    fn binary_name(self) -> &'static str {
        match self {
            Self::Debian12 => "pushgateway-1.5.1",
            Self::Sid => "pushgateway-1.11.2",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.binary_name())
    }
}

/// The requirements of a Pushgateway for its clients: the content of `--web.config.file`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebConfig {
    /// The certificate for TLS.
    pub tls: Option<Certified>,
    /// The authority (PEM) that has to sign the certificates of clients. Only with TLS.
    pub client_authority: Option<String>,
    /// A user and the bcrypt hash of the password.
    pub user: Option<(String, String)>,
}

impl WebConfig {
    /// Writes the file, and the files that it names.
    fn files(&self) -> Vec<(&'static str, String)> {
        let mut yaml = String::new();
        let mut files = Vec::new();
        if let Some(Certified { certificate, key }) = &self.tls {
            yaml.push_str(
                "tls_server_config:\n  cert_file: server.pem\n  key_file: server-key.pem\n",
            );
            files.extend([("server.pem", certificate.clone()), ("server-key.pem", key.clone())]);
            if let Some(authority) = &self.client_authority {
                yaml.push_str("  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: clients.pem\n");
                files.push(("clients.pem", authority.clone()));
            }
        }
        if let Some((user, hash)) = &self.user {
            writeln!(yaml, "basic_auth_users:\n  {user}: '{hash}'")
                .expect("writing into a string does not fail");
        }
        files.push(("web.yml", yaml));
        files
    }
}

/// A real Pushgateway as a child process on a free loopback port, without persistence. Dropping it kills the
/// process.
pub struct Pushgateway {
    process: ServerProcess,
    version: Version,
    route_prefix: String,
    url: String,
}

impl Pushgateway {
    /// Starts a gateway and waits until it is ready.
    ///
    /// When the program is missing, returns `None` and prints the name of the skipped test.
    ///
    /// # Panics
    ///
    /// When the gateway does not become ready: the message has its log. When the program is missing and
    /// `CI=true`.
    #[track_caller]
    pub fn start(version: Version) -> Option<Self> {
        Self::start_with(version, &[])
    }

    /// Starts a gateway as [`start`](Self::start) does, with more flags such as
    /// `--push.disable-consistency-check`.
    ///
    /// With `--web.route-prefix=/x` the prefix becomes part of [`url`](Self::url). A `--log.level` above info
    /// does not work, because a line of the log shows that the gateway is ready.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    #[track_caller]
    pub fn start_with(version: Version, extra_args: &[&str]) -> Option<Self> {
        let binary = binaries::find_or_skip(version.binary_name())?;
        let prefix =
            extra_args.iter().find_map(|argument| argument.strip_prefix("--web.route-prefix="));
        let route_prefix = match prefix.unwrap_or_default().trim_matches('/') {
            "" => String::new(),
            prefix => format!("/{prefix}"),
        };
        let mut arguments = vec!["--persistence.file=".to_owned()];
        arguments.extend(extra_args.iter().map(ToString::to_string));
        let ready_path = format!("{route_prefix}/-/ready");
        let launch = Launch { binary, arguments, ready_path, ready_status: 200 };
        let process = ServerProcess::start(launch, TempDir::new().expect("a temporary folder"));
        let url = format!("http://{}{route_prefix}", process.address());
        Some(Self { process, version, route_prefix, url })
    }

    /// Starts a gateway as [`start`](Self::start) does, with the requirements in `config`. With TLS the
    /// [`url`](Self::url) begins with `https://127.0.0.1`, and the methods below that send a request do not
    /// work.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    #[track_caller]
    pub fn start_secured(version: Version, config: &WebConfig) -> Option<Self> {
        let binary = binaries::find_or_skip(version.binary_name())?;
        let folder = TempDir::new().expect("a temporary folder");
        for (name, content) in config.files() {
            std::fs::write(folder.path().join(name), content).expect("a file in that folder");
        }
        let arguments =
            ["--persistence.file=", "--web.config.file=web.yml"].map(str::to_owned).to_vec();
        // A gateway that is ready answers 400 to a request without TLS, and 401 to one without a password.
        let (scheme, ready_status) = match (&config.tls, &config.user) {
            (Some(_), _) => ("https", 400),
            (None, Some(_)) => ("http", 401),
            (None, None) => ("http", 200),
        };
        let launch = Launch { binary, arguments, ready_path: "/-/ready".to_owned(), ready_status };
        let process = ServerProcess::start(launch, folder);
        let url = format!("{scheme}://{}", process.address());
        Some(Self { process, version, route_prefix: String::new(), url })
    }

    /// `http://127.0.0.1:<port>` with the route prefix, if any. No slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address of the gateway.
    pub fn address(&self) -> SocketAddr {
        self.process.address()
    }

    /// The version of the gateway.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The process ID.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The log since the last start.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Sends one request. `target` begins with a slash and stands on the request line unchanged.
    ///
    /// # Panics
    ///
    /// When no answer arrives.
    #[track_caller]
    pub fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        let target = format!("{}{target}", self.route_prefix);
        http::request(self.address(), method, &target, headers, body)
            .expect("an answer of the gateway")
    }

    /// The text that the gateway exposes at `/metrics`.
    ///
    /// # Panics
    ///
    /// When no answer arrives, or its status is not 200.
    #[track_caller]
    pub fn metrics(&self) -> String {
        let answer = self.request("GET", "/metrics", &[], &[]);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text()
    }

    /// The groups of the gateway: the `data` of `/api/v1/metrics`, an array.
    ///
    /// # Panics
    ///
    /// When no answer arrives, or it is not a 200 with JSON.
    #[track_caller]
    pub fn groups(&self) -> Vec<serde_json::Value> {
        let answer = self.request("GET", "/api/v1/metrics", &[], &[]);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["data"].as_array().cloned().unwrap_or_default()
    }

    /// Kills the gateway with SIGKILL and waits until it is gone. [`restart`](Self::restart) starts it again.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Kills the gateway if it still runs, and starts it again on the same port. Its groups are gone.
    ///
    /// # Panics
    ///
    /// When the gateway does not become ready: the message has its log.
    #[track_caller]
    pub fn restart(&mut self) {
        self.process.restart();
    }
}

impl fmt::Debug for Pushgateway {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Pushgateway")
            .field("version", &self.version)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
