//! Ways to a cluster that a kubeconfig names: proxies, and an identity provider that hands out tokens.

use std::{
    fmt::Write as _,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use rcgen::{CertificateParams, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned, pki_types::PrivateKeyDer};
use seal_envelope::Certificate;
use seal_tests::{
    cluster::{Setup, install},
    control_plane::ControlPlane,
    programs::Program,
    run::Finished,
    scratch::Scratch,
};
use serde_json::{Value, json};

use crate::samples::{EVERYTHING, MARKER, documents, prepared};

/// A server of the test's own, and what it was asked for.
struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(
        serve: impl Fn(TcpStream, &mut dyn FnMut(String)) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let (noted, serve) = (Arc::clone(&seen), Arc::new(serve));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (noted, serve) = (Arc::clone(&noted), Arc::clone(&serve));
                thread::spawn(move || {
                    let mut note = |text| noted.lock().unwrap().push(text);
                    // A connection that breaks ends alone.
                    drop(serve(client, &mut note));
                });
            }
        });
        Self { port, seen }
    }

    /// What it was asked for since this was last called.
    fn seen(&self) -> Vec<String> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut seen)
    }
}

/// Reads a line at a time to the empty one.
fn head(client: &mut impl BufRead) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        client.read_line(&mut line)?;
        match line.trim() {
            "" => return Ok(lines),
            line => lines.push(line.to_owned()),
        }
    }
}

/// Passes on what either has to say until one of them ends.
fn pass(client: &TcpStream, server: &TcpStream) -> io::Result<()> {
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        drop(io::copy(&mut from, &mut to));
        drop(to.shutdown(Shutdown::Write));
    });
    let (mut from, mut to) = (server, client);
    drop(io::copy(&mut from, &mut to));
    to.shutdown(Shutdown::Both)
}

/// A proxy that is asked by CONNECT. It tells of the line with which, and of a password.
fn http_proxy() -> Server {
    Server::start(|client, note| {
        let lines = head(&mut BufReader::new(&client))?;
        let line = lines[0].clone();
        let to = line.split(' ').nth(1).unwrap_or_default().to_owned();
        note(line);
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap_or_default();
            if name.eq_ignore_ascii_case("proxy-authorization") {
                note(value.to_owned());
            }
        }
        let server = TcpStream::connect(to)?;
        (&client).write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        pass(&client, &server)
    })
}

/// A proxy that lets nobody through.
fn refusing_proxy() -> Server {
    Server::start(|client, note| {
        let lines = head(&mut BufReader::new(&client))?;
        note(lines[0].clone());
        (&client)
            .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
    })
}

/// A proxy of RFC 1928 without passwords. It tells of the name or address that is asked for.
fn socks_proxy() -> Server {
    Server::start(|mut client, note| {
        let mut start = [0; 2];
        client.read_exact(&mut start)?;
        let mut methods = vec![0; start[1].into()];
        client.read_exact(&mut methods)?;
        client.write_all(&[5, 0])?;
        let mut request = [0; 4];
        client.read_exact(&mut request)?;
        let name = match request[3] {
            1 => {
                let mut address = [0; 4];
                client.read_exact(&mut address)?;
                std::net::Ipv4Addr::from(address).to_string()
            }
            3 => {
                let mut length = [0];
                client.read_exact(&mut length)?;
                let mut name = vec![0; length[0].into()];
                client.read_exact(&mut name)?;
                String::from_utf8_lossy(&name).into_owned()
            }
            other => format!("an address of type {other}"),
        };
        let mut port = [0; 2];
        client.read_exact(&mut port)?;
        note(name);
        let server = TcpStream::connect(("127.0.0.1", u16::from_be_bytes(port)))?;
        client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
        pass(&client, &server)
    })
}

/// A cluster with a controller in it, and both programs called with a kubeconfig of it.
struct Ways<'p> {
    plane: &'p ControlPlane,
    scratch: Scratch,
}

impl Ways<'_> {
    /// Writes a kubeconfig that leads to the cluster, but for what is changed in it.
    fn kubeconfig(&self, change: impl FnOnce(&mut Value)) {
        let text = std::fs::read_to_string(self.plane.kubeconfig()).unwrap();
        let mut config = documents(&text).remove(0);
        change(&mut config);
        self.scratch.write("kubeconfig", config.to_string());
    }

    fn through(&self, proxy: &str) {
        self.kubeconfig(|config| config["clusters"][0]["cluster"]["proxy-url"] = proxy.into());
    }

    fn ours(&self, line: &str) -> Finished {
        let run = self
            .scratch
            .seal(["kubeseal", "--kubeconfig", "kubeconfig", "--fetch-cert"]);
        run.args(line.split_whitespace()).finish()
    }

    fn theirs(&self, line: &str) -> Finished {
        let run = self
            .scratch
            .kubeseal(["--kubeconfig", "kubeconfig", "--fetch-cert"]);
        run.args(line.split_whitespace()).finish()
    }
}

#[test]
fn a_kubeconfig_leads_through_proxies_and_by_an_identity_provider_as_it_leads_the_real_one() {
    let plane = ControlPlane::start();
    let controller = install(&plane, &Setup::chart()).run(Program::UpstreamController);
    let certificate = controller.certificate();
    let ways = Ways {
        plane: &plane,
        scratch: prepared(),
    };
    by_http_proxies(&ways, &certificate);
    by_socks_proxies(&ways, &certificate);
    by_proxies_that_do_not_work(&ways);
    by_an_identity_provider(&ways, &certificate);
}

#[test]
fn a_kubeconfig_that_leads_to_another_cluster_than_the_pin_names_seals_nothing() {
    let plane = ControlPlane::start();
    let controller = install(&plane, &Setup::chart()).run(Program::UpstreamController);
    let certificate = controller.certificate();
    let certificate = Certificate::from_pem(certificate.as_bytes()).unwrap();
    let ways = Ways {
        plane: &plane,
        scratch: prepared(),
    };
    ways.kubeconfig(|_| {});
    let sealed = |pin: &str| {
        let run = ways
            .scratch
            .seal(["kubeseal", "--kubeconfig", "kubeconfig", "-o", "yaml"]);
        run.stdin(EVERYTHING).env("SEAL_PIN", pin).finish()
    };
    let found = certificate.key_id().full();
    let run = sealed(&"0".repeat(64)).exits(1).never_shows(MARKER);
    assert_eq!(run.out(), "");
    let _ = run.says(&found).says("SEAL_PIN");
    assert!(sealed(&found).exits(0).out().contains("kind: SealedSecret"));
}

fn by_http_proxies(ways: &Ways<'_>, certificate: &str) {
    let proxy = http_proxy();
    let asked = format!("CONNECT 127.0.0.1:{} HTTP/1.1", ways.plane.port());
    ways.through(&format!("http://127.0.0.1:{}", proxy.port));
    for program in [Ways::ours, Ways::theirs] {
        assert_eq!(program(ways, "").exits(0).out(), certificate);
    }
    let seen = proxy.seen();
    assert!(
        seen.len() >= 2 && seen.iter().all(|line| *line == asked),
        "{seen:?}"
    );

    let word = STANDARD.encode("shop:pa@ss");
    ways.through(&format!("http://shop:pa%40ss@127.0.0.1:{}", proxy.port));
    for program in [Ways::ours, Ways::theirs] {
        assert_eq!(program(ways, "").exits(0).out(), certificate);
        assert!(proxy.seen().contains(&format!("Basic {word}")));
    }

    // A flag counts more than the kubeconfig.
    ways.through("http://127.0.0.1:1");
    let flag = format!("--proxy-url http://127.0.0.1:{}", proxy.port);
    assert_eq!(ways.ours(&flag).exits(0).out(), certificate);
    assert!(proxy.seen().contains(&asked));
}

fn by_socks_proxies(ways: &Ways<'_>, certificate: &str) {
    let proxy = socks_proxy();
    let url = format!("socks5://127.0.0.1:{}", proxy.port);
    ways.kubeconfig(|config| {
        let cluster = &mut config["clusters"][0]["cluster"];
        cluster["proxy-url"] = url.into();
        // A name is looked up by the proxy.
        cluster["server"] = format!("https://localhost:{}", ways.plane.port()).into();
    });
    for program in [Ways::ours, Ways::theirs] {
        assert_eq!(program(ways, "").exits(0).out(), certificate);
        let seen = proxy.seen();
        assert!(
            !seen.is_empty() && seen.iter().all(|name| name == "localhost"),
            "{seen:?}"
        );
    }
}

fn by_proxies_that_do_not_work(ways: &Ways<'_>) {
    let refusing = refusing_proxy();
    for (scheme, port) in [("http", refusing.port), ("http", 1), ("socks5", 1)] {
        ways.through(&format!("{scheme}://shop:{MARKER}@127.0.0.1:{port}"));
        let run = ways.ours("").exits(1).never_shows(MARKER);
        assert_eq!(run.out(), "");
        let said = run.err().matches("cannot be reached").count();
        assert_eq!(said, 1, "{}", run.err());
    }
    // It is asked once.
    assert_eq!(refusing.seen().len(), 1);
    // One of RFC 1928 that wants a password gets none.
    let refusing = Server::start(|mut client, note| {
        let mut start = [0; 2];
        client.read_exact(&mut start)?;
        let mut methods = vec![0; start[1].into()];
        client.read_exact(&mut methods)?;
        note(format!("{methods:?}"));
        client.write_all(&[5, 0xff])
    });
    ways.through(&format!(
        "socks5://shop:{MARKER}@127.0.0.1:{}",
        refusing.port
    ));
    let run = ways.ours("").exits(1).never_shows(MARKER);
    let said = run.err().matches("cannot be reached").count();
    assert_eq!(said, 1, "{}", run.err());
    assert_eq!(refusing.seen(), ["[0]"], "{}", run.err());
    let _ = run.says("SOCKS error");
    for scheme in ["socks4", "ftp"] {
        ways.through(&format!("{scheme}://shop:{MARKER}@127.0.0.1:1"));
        let run = ways.ours("").exits(1).never_shows(MARKER);
        let _ = run.says(&format!(
            "no proxy can be used by the protocol \"{scheme}\""
        ));
    }
}

/// An identity provider (OpenID Connect) that hands out what it is given, over TLS; and its certificate.
fn identity_provider(answer: Value) -> (Server, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["127.0.0.1".to_owned()])
        .and_then(|params| params.self_signed(&key))
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let secret = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], secret)
        .unwrap();
    let tls = Arc::new(tls);
    let server = Server::start(move |client, note| {
        let port = client.local_addr()?.port();
        let connection = ServerConnection::new(Arc::clone(&tls)).map_err(io::Error::other)?;
        let mut client = BufReader::new(StreamOwned::new(connection, client));
        loop {
            let lines = head(&mut client)?;
            let Some(line) = lines.first() else {
                return Ok(());
            };
            let length = lines.iter().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                let is_length = name.eq_ignore_ascii_case("content-length");
                is_length.then(|| value.parse().ok())?
            });
            let mut body = vec![0; length.unwrap_or(0)];
            client.read_exact(&mut body)?;
            let mut said = line.split(' ').take(2).collect::<Vec<_>>().join(" ");
            write!(said, " {}", String::from_utf8_lossy(&body)).unwrap();
            let text = if line.contains("/.well-known/") {
                json!({"token_endpoint": format!("https://127.0.0.1:{port}/token")}).to_string()
            } else {
                answer.to_string()
            };
            note(said);
            let client = client.get_mut();
            write!(
                client,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
                text.len()
            )?;
            client.flush()?;
        }
    });
    (server, certificate.pem())
}

fn by_an_identity_provider(ways: &Ways<'_>, certificate: &str) {
    let path = "/api/v1/namespaces/default/serviceaccounts/default/token";
    let answer = ways.plane.api().create(path, &json!({"spec": {}}));
    // A token with an end, as providers hand out.
    let token = answer.body["status"]["token"].as_str().unwrap().to_owned();
    let signs_in_with = |token: &str, issuer: &str| {
        ways.kubeconfig(|config| {
            let provider = json!({
                "idp-issuer-url": issuer, "client-id": "shop", "client-secret": MARKER,
                "id-token": token, "refresh-token": format!("{MARKER}-refresh"),
            });
            config["users"][0]["user"] =
                json!({"auth-provider": {"name": "oidc", "config": provider}});
        });
    };
    signs_in_with(&token, "https://127.0.0.1:1");
    for program in [Ways::ours, Ways::theirs] {
        assert_eq!(program(ways, "").exits(0).out(), certificate);
    }

    // One that has ended is replaced by a new one. The kubeconfig is left as it is.
    let ended = format!("e30.{}.e30", URL_SAFE_NO_PAD.encode(r#"{"exp": 1}"#));
    let (provider, authority) = identity_provider(json!({"id_token": token}));
    ways.scratch.write("provider.crt", authority);
    let refreshed = |provider: &Server| {
        signs_in_with(&ended, &format!("https://127.0.0.1:{}", provider.port));
        let before = ways.scratch.read("kubeconfig");
        let run = ways
            .scratch
            .seal(["kubeseal", "--kubeconfig", "kubeconfig", "--fetch-cert"])
            .env("SSL_CERT_FILE", "provider.crt")
            .finish()
            .never_shows(MARKER);
        assert_eq!(ways.scratch.read("kubeconfig"), before);
        run
    };
    assert_eq!(refreshed(&provider).exits(0).out(), certificate);
    let asked = format!("POST /token grant_type=refresh_token&refresh_token={MARKER}-refresh");
    let seen = provider.seen();
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen[1].starts_with(&asked), "{seen:?}");

    // What a provider says that is no answer is not repeated.
    for answer in [
        json!(MARKER),
        json!({"id_token": [MARKER]}),
        json!({"refresh_token": MARKER}),
    ] {
        let (provider, authority) = identity_provider(answer);
        ways.scratch.write("provider.crt", authority);
        let run = refreshed(&provider).exits(1);
        assert_eq!(run.err().matches("error:").count(), 1, "{}", run.err());
        let _ = run.says("cannot sign in");
    }
    // Nobody trusts it.
    signs_in_with(&ended, &format!("https://127.0.0.1:{}", provider.port));
    let _ = ways.ours("").exits(1).never_shows(MARKER);
    signs_in_with(MARKER, "https://127.0.0.1:1");
    let _ = ways
        .ours("")
        .exits(1)
        .never_shows(MARKER)
        .says("cannot sign in");
    ways.kubeconfig(|config| {
        config["users"][0]["user"] = json!({"auth-provider": {"name": "azure"}});
    });
    let _ = ways
        .ours("")
        .exits(1)
        .says("signs in by a way that does not work here");
}
