//! An API server that misbehaves when it is told to: a proxy between a controller and the real one.

mod answer;
mod fault;

use std::{
    fmt,
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpStream},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::net::connect_unspec;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::{Value, json};

use super::inward::{Inward, read_request};
use crate::{
    control_plane::{ADDRESS, ControlPlane},
    scratch::Scratch,
};

use answer::{Answer, pass_on_chunk};
pub use fault::{Broken, Fault};

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
    /// The name of the one object that it is about, or that an Event is about; empty for all.
    pub name: String,
    /// When.
    pub at: Instant,
}

impl Asked {
    fn new(method: String, path: String, body: &[u8]) -> Self {
        let object: Value = serde_json::from_slice(body).unwrap_or_default();
        let about = &object["involvedObject"]["name"];
        let in_body = about
            .as_str()
            .or_else(|| object["metadata"]["name"].as_str());
        let mut parts = path.split('?').next().unwrap_or_default().split('/');
        let in_path = parts.by_ref().position(|part| part == "namespaces");
        let in_path = in_path.and_then(|_| parts.nth(2));
        let name = in_path.or(in_body).unwrap_or_default().to_owned();
        let at = Instant::now();
        Self {
            method,
            path,
            name,
            at,
        }
    }

    /// Whether it is a watch.
    pub fn is_watch(&self) -> bool {
        self.path.contains("watch=true") || self.path.contains("watch=1")
    }

    /// Whether it is a list.
    pub fn is_list(&self) -> bool {
        self.path.contains('?') && !self.is_watch()
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

    /// The most of these, in the order in which they were asked for, that came within so much time.
    pub fn busiest(asked: &[Self], within: Duration) -> usize {
        let first = |index: usize| asked.partition_point(|one| one.at + within < asked[index].at);
        let counts = (0..asked.len()).map(|index| index + 1 - first(index));
        counts.max().unwrap_or(0)
    }
}

type Server = StreamOwned<ClientConnection, TcpStream>;
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
    open: Vec<Arc<Open>>,
}

/// A request that has no whole answer yet, with both its ends.
#[derive(Debug)]
struct Open {
    asked: Asked,
    client: TcpStream,
    server: Option<TcpStream>,
    is_mute: AtomicBool,
}

impl Open {
    fn cut(&self) {
        // They fail only for what has ended already.
        drop(self.client.shutdown(Shutdown::Both));
        if let Some(server) = &self.server {
            drop(server.shutdown(Shutdown::Both));
        }
    }
}

/// A request, and who asks.
#[derive(Debug)]
struct Exchange {
    asked: Asked,
    head: String,
    body: Vec<u8>,
    client: TcpStream,
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
        self.shared.each_open(choose, Open::cut)
    }

    /// Passes on nothing more of the answers that are under way to what is chosen, and leaves their connections open, as
    /// where a machine or a network goes without a word; returns how many.
    pub fn mute(&self, choose: impl Fn(&Asked) -> bool) -> usize {
        let mute = |open: &Open| open.is_mute.store(true, Ordering::Relaxed);
        self.shared.each_open(choose, mute)
    }

    /// How many answers are under way to what is chosen.
    pub fn under_way(&self, choose: impl Fn(&Asked) -> bool) -> usize {
        self.shared.each_open(choose, |_| ())
    }

    /// Everything that was asked for so far.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.shared.state).asked.clone()
    }

    /// How many requests something happened to: what is to be carried out first has been.
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
    fn each_open(&self, choose: impl Fn(&Asked) -> bool, do_it: impl Fn(&Open)) -> usize {
        let state = lock(&self.state);
        let chosen = state.open.iter().filter(|open| choose(&open.asked));
        chosen.map(|open| do_it(open)).count()
    }

    /// One request, and its answer.
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let Some((head, body)) = read_request(&mut client)? else {
            return Ok(());
        };
        let mut first = head.lines().next().unwrap_or_default().split(' ');
        let mut word = || first.next().unwrap_or_default().to_owned();
        let asked = Asked::new(word(), word(), &body);
        lock(&self.state).asked.push(asked.clone());
        let choose = lock(&self.choose).clone();
        let fault = choose.and_then(|choose| choose(&asked));
        let exchange = Exchange {
            asked,
            head,
            body,
            client,
        };
        let outcome = match fault {
            Some(fault) => self.happen(fault, &exchange),
            None => self.pass_on(&exchange, copy),
        };
        // Others may have a hold of it; it fails only for what has ended already.
        drop(exchange.client.shutdown(Shutdown::Both));
        outcome
    }

    fn happened(&self) {
        lock(&self.state).faults += 1;
    }

    fn happen(&self, fault: Fault, exchange: &Exchange) -> io::Result<()> {
        if let Fault::CarriedOut(then) = fault {
            if !exchange.asked.is_watch() {
                // Where it cannot be carried out, nobody hears of that either.
                drop(self.pass_on(exchange, |server, _, _| {
                    Answer::begin(server)?.body().map(drop)
                }));
            }
            return self.happen(*then, exchange);
        }
        self.happened();
        let client = &exchange.client;
        match fault {
            Fault::Close | Fault::CarriedOut(_) => Ok(()),
            Fault::Reset => reset(client),
            Fault::Silence => {
                let open = self.open(exchange, None)?;
                let outcome = wait_for_end(client);
                self.close(&open);
                outcome
            }
            Fault::Answer(code, media, body) => {
                let headers = format!("Content-Type: {media}\r\n");
                answer(client, code, &headers, &body)
            }
            Fault::RetryAfter(code, reason, seconds) => {
                let media = fault::JSON;
                let headers = format!("Content-Type: {media}\r\nRetry-After: {seconds}\r\n");
                let body = fault::status(code, reason).to_string();
                answer(client, code, &headers, &body)
            }
            Fault::Delay(wait) => {
                thread::sleep(wait);
                self.pass_on(exchange, copy)
            }
            Fault::Half(broken) => self.pass_on(exchange, |server, mut client, _| {
                let mut answer = Answer::begin(server)?;
                let body = match exchange.asked.is_watch() {
                    true => answer.line()?,
                    false => answer.body()?,
                };
                answer.pass_on_half(&mut client, &body, broken)?;
                match broken {
                    Broken::Reset => reset(client),
                    _ => Ok(()),
                }
            }),
            Fault::Mute => self.pass_on(exchange, |server, mut client, _| {
                let mut answer = Answer::begin(server)?;
                answer.pass_on_head(&mut client)?;
                io::copy(&mut answer, &mut io::sink())?;
                wait_for_end(client)
            }),
            Fault::LateEvents(wait) => self.pass_on(exchange, |server, client, _| {
                pass_on_lines(server, client, |_, line| {
                    thread::sleep(wait);
                    line
                })
            }),
            Fault::Garbled => self.pass_on(exchange, |server, client, _| {
                pass_on_lines(server, client, |number, mut line| {
                    if number == 0 {
                        line.truncate(line.len() / 2);
                        line.push(b'\n');
                    }
                    line
                })
            }),
        }
    }

    /// Sends a request to the API server, and lets `relay` give back the answer.
    fn pass_on(
        &self,
        exchange: &Exchange,
        relay: impl FnOnce(&mut Server, &TcpStream, &AtomicBool) -> io::Result<()>,
    ) -> io::Result<()> {
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        socket.set_nodelay(true)?;
        let open = self.open(exchange, Some(&socket))?;
        if exchange.asked.is_watch() {
            end_with_client(exchange.client.try_clone()?, socket.try_clone()?);
        }
        let outcome = self
            .send(exchange, socket)
            .and_then(|mut server| relay(&mut server, &exchange.client, &open.is_mute));
        self.close(&open);
        outcome
    }

    fn send(&self, exchange: &Exchange, socket: TcpStream) -> io::Result<Server> {
        let name = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
        let connection =
            ClientConnection::new(Arc::clone(&self.tls), name).map_err(io::Error::other)?;
        let mut server = StreamOwned::new(connection, socket);
        // One request for each connection, so that an answer ends with its connection.
        let kept = exchange.head.lines().filter(|line| {
            !line.is_empty() && !line.to_ascii_lowercase().starts_with("connection:")
        });
        let mut request: String = kept.map(|line| format!("{line}\r\n")).collect();
        request.push_str("Connection: close\r\n\r\n");
        server.write_all(request.as_bytes())?;
        server.write_all(&exchange.body)?;
        server.flush()?;
        Ok(server)
    }

    /// Notes what is under way.
    fn open(&self, exchange: &Exchange, server: Option<&TcpStream>) -> io::Result<Arc<Open>> {
        let open = Arc::new(Open {
            asked: exchange.asked.clone(),
            client: exchange.client.try_clone()?,
            server: server.map(TcpStream::try_clone).transpose()?,
            is_mute: AtomicBool::new(false),
        });
        lock(&self.state).open.push(Arc::clone(&open));
        Ok(open)
    }

    fn close(&self, open: &Arc<Open>) {
        let mut state = lock(&self.state);
        state.open.retain(|one| !Arc::ptr_eq(one, open));
    }
}

/// Passes on everything as it comes; once it is mute, nothing, also not the end.
fn copy(server: &mut Server, mut client: &TcpStream, is_mute: &AtomicBool) -> io::Result<()> {
    let mut part = [0; 16 * 1024];
    loop {
        let read = server.read(&mut part)?;
        if is_mute.load(Ordering::Relaxed) {
            return wait_for_end(client);
        }
        if read == 0 {
            return Ok(());
        }
        client.write_all(&part[..read])?;
    }
}

/// Passes on a watch, each line as `change` makes it, given its number.
fn pass_on_lines(
    server: &mut Server,
    mut client: &TcpStream,
    change: impl Fn(usize, Vec<u8>) -> Vec<u8>,
) -> io::Result<()> {
    let mut answer = Answer::begin(server)?;
    answer.pass_on_head(&mut client)?;
    for number in 0.. {
        let line = answer.line()?;
        let is_end = line.is_empty();
        let line = if is_end { line } else { change(number, line) };
        pass_on_chunk(&mut client, &line)?;
        if is_end {
            break;
        }
    }
    Ok(())
}

fn answer(mut client: &TcpStream, code: u16, headers: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {code} Told\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    client.write_all(format!("{head}{body}").as_bytes())
}

/// What is torn from a connection is told by a reset.
fn reset(client: &TcpStream) -> io::Result<()> {
    Ok(connect_unspec(client)?)
}

/// Waits until whoever asked goes, or is cut.
fn wait_for_end(mut client: &TcpStream) -> io::Result<()> {
    io::copy(&mut client, &mut io::sink()).map(drop)
}

/// Ends the watch at the API server as well when whoever asked goes.
fn end_with_client(client: TcpStream, server: TcpStream) {
    thread::spawn(move || {
        drop(wait_for_end(&client));
        drop(server.shutdown(Shutdown::Both));
    });
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
