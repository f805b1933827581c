//! A real cluster without nodes: etcd, kube-apiserver and kube-controller-manager, started in seconds.
//!
//! They run in a network of their own, where the API server can reach a Service's endpoint on an address of that network.
//! The API server is reached at the same address and port from inside and, through `forward`, from outside, so one
//! kubeconfig does for both.
//!
//! Nothing runs a pod: a test that needs a Pod patches its status as a kubelet would, and starts the program itself, with
//! [`ControlPlane::enter`].

mod api;
mod credentials;
mod etcd;
mod network;
mod outage;
mod server;

use std::{
    ffi::OsStr,
    fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use seal_tools::{ETCD, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER};

pub use api::{Answer, Api};
use credentials::{Credentials, User};
use etcd::{ETCD_URL, etcd_flags};
pub use network::ADDRESS;
use network::Network;
pub use outage::{Part, Snapshot};
use server::Server;

use crate::{programs, tools};

/// Those that what we ship rests on. Others would mind machines, volumes and load balancers that are not there.
const CONTROLLERS: &str = "namespace-controller,garbage-collector-controller,serviceaccount-controller,\
    serviceaccount-token-controller,root-ca-certificate-publisher-controller,clusterrole-aggregation-controller,\
    endpoints-controller,endpointslice-controller,deployment-controller,replicaset-controller,job-controller,\
    cronjob-controller,resourcequota-controller";
/// A machine that does other things at the same time is slow; it is ready in a few seconds otherwise.
const TIME_LIMIT: Duration = Duration::from_secs(120);
const GLANCE: Duration = Duration::from_millis(20);

/// A control plane that runs. It is gone when this is dropped, and also when the process that has it is killed; its logs
/// are kept where the drop comes of a panic.
#[derive(Debug)]
pub struct ControlPlane {
    // Dropped first: with it everything in it ends, and the servers only have to be waited for.
    network: Network,
    servers: Mutex<Vec<Server>>,
    folder: PathBuf,
    credentials: Credentials,
    api: Api,
    port: u16,
}

impl ControlPlane {
    /// Starts one, and waits until it has made the ServiceAccount of the namespace `default`.
    ///
    /// # Panics
    ///
    /// When a program is missing and cannot be built, when this machine allows no network namespace, or when a server
    /// ends or does not get ready: with the end of its log.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more flags of the API server.
    ///
    /// # Panics
    ///
    /// As [`Self::start`].
    pub fn start_with(more: &[&str]) -> Self {
        let [etcd, apiserver, manager] =
            [&ETCD, &KUBE_APISERVER, &KUBE_CONTROLLER_MANAGER].map(tools::path);
        let forward = programs::folder().join("forward");
        let outside = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let port = outside.local_addr().expect("it is bound").port();
        let folder = tempfile::Builder::new()
            .prefix("seal-control-plane-")
            .tempdir()
            .expect("a temporary folder can be made")
            .keep();
        // From here on the network removes the folder.
        let network = Network::start(&folder);
        fs::create_dir(folder.join("logs")).expect("the folder is ours");
        let credentials = Credentials::new(&folder, port);
        let api = Api::new(
            port,
            credentials.authority(),
            credentials.token(User::Admin),
        );
        let plane = Self {
            network,
            servers: Mutex::default(),
            folder,
            credentials,
            api,
            port,
        };
        plane.run(&etcd, &etcd_flags(&plane.folder), Stdio::null());
        let mut flags = apiserver_flags(&plane.credentials, port);
        flags.extend(more.iter().map(|&flag| flag.to_owned()));
        plane.run(&apiserver, &flags, Stdio::null());
        plane.run(
            &forward,
            &[format!("127.0.0.1:{port}")],
            outside_socket(outside),
        );
        plane.wait_until("the API server is ready", |api| api.answers_well("/readyz"));
        plane.run(&manager, &manager_flags(&plane.credentials), Stdio::null());
        plane.wait_until("the controllers work", |api| {
            api.answers_well("/api/v1/namespaces/default/serviceaccounts/default")
        });
        plane
    }

    /// The kubeconfig of an admin, for programs outside and inside the network.
    pub fn kubeconfig(&self) -> PathBuf {
        self.credentials.kubeconfig(User::Admin)
    }

    /// The certificate of the authority by which the API server is known, in PEM.
    pub(crate) fn authority(&self) -> &str {
        self.credentials.authority()
    }

    /// The API, used by an admin.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// The port of the API server, at [`ADDRESS`] in the network and at 127.0.0.1 everywhere.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder with a log of each server.
    pub fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// A program to be run in the network: it can listen on [`ADDRESS`], where the API server's proxies reach it, and
    /// reaches the API server, but nothing else.
    pub fn enter(&self, program: impl AsRef<OsStr>) -> Command {
        self.network.enter(program)
    }

    /// As [`Self::enter`], but the program ends with the control plane; the command is its parent.
    pub(crate) fn enclose(&self, program: impl AsRef<OsStr>) -> Command {
        self.network.enclose(program)
    }

    /// As [`Self::enclose`], in the network of a process in this network.
    pub(crate) fn enclose_beside(&self, process: u32, program: impl AsRef<OsStr>) -> Command {
        self.network.enclose_beside(process, program)
    }

    /// Checks that every server still runs, but for those that were killed on purpose.
    ///
    /// # Panics
    ///
    /// When one does not, with the end of its log.
    pub fn check(&self) {
        for server in self.servers().iter_mut() {
            server.check();
        }
    }

    /// A port of this machine at which an address in the network is reached, such as `10.99.1.1:8080`, whether the API
    /// server is there or not.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub fn reach(&self, address: &str) -> u16 {
        let forward = programs::folder().join("forward");
        let outside = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let port = outside.local_addr().expect("it is bound").port();
        self.run(&forward, &[address.to_owned()], outside_socket(outside));
        port
    }

    fn servers(&self) -> MutexGuard<'_, Vec<Server>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, program: &Path, flags: &[String], input: Stdio) {
        let command = self.network.enclose(program);
        let server = Server::start(command, program, flags, input, &self.logs());
        self.servers().push(server);
    }

    fn wait_until(&self, what: &str, holds: impl Fn(&Api) -> bool) {
        let deadline = Instant::now() + TIME_LIMIT;
        while !holds(&self.api) {
            self.check();
            assert!(
                Instant::now() < deadline,
                "in vain: {what}; see {}",
                self.logs().display()
            );
            thread::sleep(GLANCE);
        }
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        if thread::panicking() {
            self.network.keep_logs();
        }
    }
}

/// The command lines of this machine that name a folder: none once a control plane with that folder has ended.
///
/// # Panics
///
/// When processes cannot be listed.
pub fn processes_of(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().expect("the folder has a plain name");
    fs::read_dir("/proc")
        .expect("processes can be listed")
        .filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(folder))
        .collect()
}

fn outside_socket(listener: TcpListener) -> Stdio {
    std::os::fd::OwnedFd::from(listener).into()
}

fn apiserver_flags(credentials: &Credentials, port: u16) -> Vec<String> {
    let file = |name| credentials.file(name).display().to_string();
    vec![
        format!("--etcd-servers={ETCD_URL}"),
        format!("--secure-port={port}"),
        // There is no default route to find an address by, and no kubelet to be an endpoint of `kubernetes`.
        format!("--advertise-address={ADDRESS}"),
        "--endpoint-reconciler-type=none".to_owned(),
        format!("--service-cluster-ip-range={}", credentials::SERVICES),
        format!("--tls-cert-file={}", file("apiserver.crt")),
        format!("--tls-private-key-file={}", file("apiserver.key")),
        format!("--token-auth-file={}", file("tokens.csv")),
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local".to_owned(),
        format!(
            "--service-account-key-file={}",
            file("service-accounts.pub")
        ),
        format!(
            "--service-account-signing-key-file={}",
            file("service-accounts.key")
        ),
        // As kubeadm sets them; the other admission plugins of a normal cluster are on by default.
        "--authorization-mode=Node,RBAC".to_owned(),
        "--enable-admission-plugins=NodeRestriction".to_owned(),
        "--allow-privileged".to_owned(),
    ]
}

fn manager_flags(credentials: &Credentials) -> Vec<String> {
    let file = |name| credentials.file(name).display().to_string();
    let kubeconfig = credentials.kubeconfig(User::ControllerManager);
    vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--controllers={CONTROLLERS}"),
        "--use-service-account-credentials".to_owned(),
        "--leader-elect=false".to_owned(),
        format!("--root-ca-file={}", file("ca.crt")),
        format!(
            "--service-account-private-key-file={}",
            file("service-accounts.key")
        ),
        // Nobody asks for its metrics.
        "--secure-port=0".to_owned(),
    ]
}
