//! The real Pushgateway.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;

use tempfile::TempDir;

use crate::binaries;
use crate::certificates::Certified;
use crate::http::{self, Response};
use crate::process::{Launch, ServerProcess};

/// Which real gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// 1.5.1, as in Debian 12.
    Debian12,
    /// 1.11.2, as in Debian sid when this was written: the newest to be had as a package.
    Sid,
}

impl Version {
    /// Both, the older first.
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

/// What a Pushgateway wants of those who connect: its `--web.config.file`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebConfig {
    /// TLS, with this certificate.
    pub tls: Option<Certified>,
    /// A certificate of the client's own, signed by this authority (PEM). Only with TLS.
    pub client_authority: Option<String>,
    /// A user, and the bcrypt hash of the password.
    pub user: Option<(String, String)>,
}

impl WebConfig {
    /// The file, and those it names.
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

/// A real Pushgateway as a child process on a free loopback port, without persistence; killed when dropped.
pub struct Pushgateway {
    process: ServerProcess,
    version: Version,
    route_prefix: String,
    url: String,
}

impl Pushgateway {
    /// Starts one and waits until it is ready.
    ///
    /// `None` when the binary is missing, after a line on stderr that says which test is skipped.
    ///
    /// # Panics
    ///
    /// When it does not become ready, with its log; and when the binary is missing and `CI=true`.
    #[track_caller]
    pub fn start(version: Version) -> Option<Self> {
        Self::start_with(version, &[])
    }

    /// As [`start`](Self::start), with more flags, such as `--push.disable-consistency-check`.
    ///
    /// `--web.route-prefix=/x` is understood: the prefix is part of [`url`](Self::url) then.
    /// A `--log.level` above info is not: readiness is read from the log, too.
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

    /// As [`start`](Self::start), for those only who connect as `config` wants it. With TLS the
    /// [`url`](Self::url) begins with `https://127.0.0.1`, and the questions below do not work.
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
        // It answers without TLS that it wants TLS, and without a password that it wants one.
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

    /// `http://127.0.0.1:<port>`, and the route prefix where there is one; no slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.process.address()
    }

    /// Which one it is.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it has logged since it was last started.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Sends one request; `target` begins with a slash and is put on the request line as it stands.
    ///
    /// # Panics
    ///
    /// When no answer comes.
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

    /// The text it exposes at `/metrics`.
    ///
    /// # Panics
    ///
    /// When no answer comes, or it is not 200.
    #[track_caller]
    pub fn metrics(&self) -> String {
        let answer = self.request("GET", "/metrics", &[], &[]);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text()
    }

    /// The groups it holds: the `data` of `/api/v1/metrics`, an array.
    ///
    /// # Panics
    ///
    /// When no answer comes, or it is not 200 with JSON.
    #[track_caller]
    pub fn groups(&self) -> Vec<serde_json::Value> {
        let answer = self.request("GET", "/api/v1/metrics", &[], &[]);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["data"].as_array().cloned().unwrap_or_default()
    }

    /// Ends it with SIGKILL and waits until it is gone; [`restart`](Self::restart) brings it back.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same port, killing it first where it still runs; what it held is gone.
    ///
    /// # Panics
    ///
    /// When it does not become ready, with its log.
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
