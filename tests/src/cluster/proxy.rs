//! An API server that misbehaves when it is told to: a proxy between a controller and the real one.

use std::{
    fmt,
    io::{self, Write},
    net::{Ipv4Addr, Shutdown, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::json;

use super::inward::{Inward, read_request};
use crate::{
    control_plane::{ADDRESS, ControlPlane},
    scratch::Scratch,
};

/// Where a pod finds the token of its ServiceAccount.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// A proxy in front of a control plane. It passes on every request as it is, with the token of whoever asks, until it is
/// told to misbehave.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    folder: Scratch,
    // It ends with this.
    _inward: Inward,
}

/// What a controller asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// `GET` and the like.
    pub method: String,
    /// The path, with its query.
    pub path: String,
}

impl Asked {
    /// Whether it is a watch.
    pub fn is_watch(&self) -> bool {
        self.path.contains("watch=true") || self.path.contains("watch=1")
    }

    /// Whether it would change something.
    pub fn is_write(&self) -> bool {
        self.method != "GET"
    }

    /// Whether it is about a resource by its plural, such as `secrets`, or one of its objects.
    pub fn is_about(&self, plural: &str) -> bool {
        let path = self.path.split('?').next().unwrap_or_default();
        path.split('/').any(|part| part == plural)
    }
}

/// What happens to a request instead of its being passed on.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection is closed without an answer.
    Close,
    /// There is an answer, but not the API server's: status, media type, body.
    Answer(u16, &'static str, String),
    /// The request is passed on after this time.
    Delay(Duration),
}

impl Fault {
    /// A refusal as the API server words it, such as 409 `Conflict`.
    pub fn status(code: u16, reason: &str) -> Self {
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": format!("told to say {reason}"), "reason": reason, "code": code,
        });
        Self::Answer(code, "application/json", status.to_string())
    }
}

type Choose = dyn Fn(&Asked) -> Option<Fault> + Send + Sync;

struct Shared {
    port: u16,
    tls: Arc<ClientConfig>,
    choose: Mutex<Option<Arc<Choose>>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    asked: Vec<Asked>,
    faults: usize,
    /// Answers under way, each with both its ends.
    open: Vec<(usize, Asked, UnixStream, TcpStream)>,
    count: usize,
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Proxy {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// When it cannot be reached from the network of the control plane.
    pub fn start(plane: &ControlPlane) -> Self {
        let shared = Arc::new(Shared {
            port: plane.port(),
            tls: tls(plane.authority()),
            choose: Mutex::default(),
            state: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        let inward = Inward::start(plane, move |client| serving.serve(client));
        let folder = Scratch::new();
        folder.write("kubeconfig", kubeconfig(inward.port()).as_bytes());
        Self {
            shared,
            folder,
            _inward: inward,
        }
    }

    /// For a controller in a pod, as `--kubeconfig`: the proxy, and the token of the pod's ServiceAccount.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// From now on every request is looked at, and what is chosen for it happens. What is under way goes on.
    pub fn misbehave(&self, choose: impl Fn(&Asked) -> Option<Fault> + Send + Sync + 'static) {
        *lock(&self.shared.choose) = Some(Arc::new(choose));
    }

    /// From now on every request is passed on.
    pub fn behave(&self) {
        *lock(&self.shared.choose) = None;
    }

    /// Cuts the answers that are under way to what is chosen, such as watches; returns how many.
    pub fn cut(&self, choose: impl Fn(&Asked) -> bool) -> usize {
        let state = lock(&self.shared.state);
        let chosen = state.open.iter().filter(|(_, asked, ..)| choose(asked));
        chosen
            .map(|(_, _, client, server)| {
                // They fail only for what has ended already.
                drop(client.shutdown(Shutdown::Both));
                drop(server.shutdown(Shutdown::Both));
            })
            .count()
    }

    /// How many answers are under way to what is chosen.
    pub fn under_way(&self, choose: impl Fn(&Asked) -> bool) -> usize {
        let state = lock(&self.shared.state);
        let chosen = state.open.iter().filter(|(_, asked, ..)| choose(asked));
        chosen.count()
    }

    /// Everything that was asked for so far.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.shared.state).asked.clone()
    }

    /// How many requests something happened to.
    pub fn faults(&self) -> usize {
        lock(&self.shared.state).faults
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut(|_| true);
    }
}

impl Shared {
    /// One request, and its answer.
    fn serve(&self, mut client: UnixStream) -> io::Result<()> {
        let Some((head, body)) = read_request(&mut client)? else {
            return Ok(());
        };
        let mut first = head.lines().next().unwrap_or_default().split(' ');
        let mut word = || first.next().unwrap_or_default().to_owned();
        let asked = Asked {
            method: word(),
            path: word(),
        };
        lock(&self.state).asked.push(asked.clone());
        let choose = lock(&self.choose).clone();
        let fault = choose.and_then(|choose| choose(&asked));
        if fault.is_some() {
            lock(&self.state).faults += 1;
        }
        match fault {
            Some(Fault::Close) => return Ok(()),
            Some(Fault::Answer(code, media, text)) => {
                let head = format!(
                    "HTTP/1.1 {code} Told\r\nContent-Type: {media}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    text.len()
                );
                return client.write_all(format!("{head}{text}").as_bytes());
            }
            Some(Fault::Delay(wait)) => thread::sleep(wait),
            None => {}
        }
        self.pass_on(asked, client, &head, &body)
    }

    fn pass_on(
        &self,
        asked: Asked,
        mut client: UnixStream,
        head: &str,
        body: &[u8],
    ) -> io::Result<()> {
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        socket.set_nodelay(true)?;
        let number = {
            let mut state = lock(&self.state);
            state.count += 1;
            let number = state.count;
            let ends = (client.try_clone()?, socket.try_clone()?);
            state.open.push((number, asked, ends.0, ends.1));
            number
        };
        let name = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
        let connection =
            ClientConnection::new(Arc::clone(&self.tls), name).map_err(io::Error::other)?;
        let mut server = StreamOwned::new(connection, socket);
        // One request for each connection, so that an answer ends with its connection.
        let kept = head.lines().filter(|line| {
            !line.is_empty() && !line.to_ascii_lowercase().starts_with("connection:")
        });
        let mut request: String = kept.map(|line| format!("{line}\r\n")).collect();
        request.push_str("Connection: close\r\n\r\n");
        let outcome = server
            .write_all(request.as_bytes())
            .and_then(|()| server.write_all(body))
            .and_then(|()| server.flush())
            .and_then(|()| io::copy(&mut server, &mut client));
        let state = &mut *lock(&self.state);
        state.open.retain(|(open, ..)| *open != number);
        outcome.map(drop)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tls(authority: &str) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(authority.as_bytes());
    roots
        .add(authority.expect("it was just made"))
        .expect("it is a certificate");
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has its own")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

fn kubeconfig(port: u16) -> String {
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "proxy",
        "clusters": [{"name": "proxy", "cluster": {"server": format!("http://{ADDRESS}:{port}")}}],
        "users": [{"name": "pod", "user": {"tokenFile": TOKEN}}],
        "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "pod"}}],
    });
    config.to_string()
}
