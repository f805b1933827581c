//! What a kubelet does with a pod but for running it: a network of its own, its files, its status.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    Installation,
    installation::NODE,
    scenario::{LIMIT, wait, wait_within},
};
use crate::{
    control_plane::{ADDRESS, ControlPlane},
    scratch::Scratch,
};

/// The Deployment's controllers and the endpoints' may be behind with others' objects.
const SCHEDULED: Duration = Duration::from_secs(60);

/// On a Deployment and the ReplicaSet that has its pods.
const REVISION: &str = "deployment.kubernetes.io/revision";
/// On a ReplicaSet and its pods.
const HASH: &str = "pod-template-hash";

/// The first process of the pod's network, which is there as long as that process.
const PAUSE: &str =
    r#"ip link set lo up && read -r pid rest </proc/self/stat && echo "$pid" && read -r end"#;
/// From the cluster's side: `pid address device`.
const OUTER: &str = r#"
ip link add "$2" type veth peer name eth0 netns "$0" &&
ip link set "$2" up && ip route add "$1/32" dev "$2" src "$3"
"#;
/// From the pod's side: `address`, and that of the cluster.
const INNER: &str = r#"
ip address add "$0/32" dev eth0 && ip link set eth0 up && ip route add "$1/32" dev eth0
"#;

/// A pod that is bound and has an address, though nothing need run in it. It is deleted, without grace, when this is
/// dropped.
#[derive(Debug)]
pub struct Pod<'p> {
    pub(super) plane: &'p ControlPlane,
    /// The pod, as the API server has it.
    pub(super) object: Value,
    /// The name of the Deployment, and of its Services.
    pub(super) deployment: String,
    /// The ServiceAccount's files, the image's programs, the log.
    pub(super) files: Scratch,
    address: String,
    pause: Child,
    lifeline: Option<ChildStdin>,
    first: u32,
}

impl<'p> Pod<'p> {
    pub(super) fn take(installation: &Installation<'p>) -> Self {
        let plane = installation.plane;
        let object = unbound(installation);
        let number = next_number();
        let address = format!("10.99.{}.{}", 1 + number / 250, 1 + number % 250);
        let (mut pause, first) = pause(plane);
        let lifeline = pause.stdin.take();
        let pod = Self {
            plane,
            object,
            deployment: installation.name().to_owned(),
            files: Scratch::new(),
            address,
            pause,
            lifeline,
            first,
        };
        let device = format!("pod{number}");
        // The kernel looks the process up among those of whoever asks.
        let mut outer = plane.enter("sh");
        outer
            .args(["-c", OUTER, &first.to_string()])
            .args([&pod.address, &device, ADDRESS]);
        succeed(outer);
        let mut inner = pod.enter("sh");
        inner.args(["-c", INNER, &pod.address, ADDRESS]);
        succeed(inner);
        pod.bind();
        pod.patch_status(&json!({
            "phase": "Running",
            "podIP": pod.address,
            "podIPs": [{"ip": pod.address}],
            "conditions": [{"type": "Ready", "status": "False"}],
        }));
        pod.write_service_account();
        pod
    }

    /// The control plane that has it.
    pub fn plane(&self) -> &'p ControlPlane {
        self.plane
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }

    /// Its address in the network of the control plane.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its first container.
    pub fn container(&self) -> &Value {
        &self.object["spec"]["containers"][0]
    }

    /// Puts a file into the folder that its program is started in.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.files.home().join(name), content).expect("the folder is ours");
    }

    /// The path of the pod in the API.
    pub(super) fn path(&self) -> String {
        format!(
            "/api/v1/namespaces/{}/pods/{}",
            self.namespace(),
            self.name()
        )
    }

    /// A program in the pod's network, which ends with the control plane; the command is its parent.
    pub(super) fn enter(&self, program: &str) -> Command {
        self.plane.enclose_beside(self.first, program)
    }

    /// Says whether the Services may send requests to it.
    pub(super) fn set_ready(&self, ready: bool) {
        let status = if ready { "True" } else { "False" };
        self.patch_status(&json!({"conditions": [{"type": "Ready", "status": status}]}));
    }

    /// The number of a port of the container, given by number or by name.
    ///
    /// # Panics
    ///
    /// When the container has no such port.
    pub(super) fn port(&self, port: &Value) -> u64 {
        port.as_u64().unwrap_or_else(|| {
            let ports = self.container()["ports"].as_array();
            ports
                .and_then(|ports| ports.iter().find(|named| named["name"] == *port))
                .and_then(|named| named["containerPort"].as_u64())
                .unwrap_or_else(|| panic!("the container has no port {port}"))
        })
    }

    /// What a variable of the container refers to.
    ///
    /// # Panics
    ///
    /// When it is something that no manifest here has used so far.
    pub(super) fn refers_to(&self, source: &Value) -> String {
        match source["fieldRef"]["fieldPath"].as_str() {
            Some("metadata.namespace") => self.namespace().to_owned(),
            Some("metadata.name") => self.name().to_owned(),
            Some("metadata.uid") => self.text("/metadata/uid").to_owned(),
            Some("status.podIP") => self.address.clone(),
            Some("spec.serviceAccountName") => self.service_account().to_owned(),
            Some("spec.nodeName") => NODE.to_owned(),
            _ => panic!("variables from {source} are not known here"),
        }
    }

    fn service_account(&self) -> &str {
        self.text("/spec/serviceAccountName")
    }

    fn bind(&self) {
        let binding = json!({
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": self.name()},
            "target": {"apiVersion": "v1", "kind": "Node", "name": NODE},
        });
        let path = format!("{}/binding", self.path());
        let bound = self.plane.api().create(&path, &binding);
        assert_eq!(bound.status, 201, "{}", bound.body);
    }

    fn patch_status(&self, status: &Value) {
        let path = format!("{}/status", self.path());
        let patched = self.plane.api().patch(&path, &json!({"status": status}));
        assert_eq!(patched.status, 200, "{}", patched.body);
    }

    fn write_service_account(&self) {
        let api = self.plane.api();
        let namespace = self.namespace();
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"audiences": [], "boundObjectRef": {
                "apiVersion": "v1", "kind": "Pod", "name": self.name(), "uid": self.object["metadata"]["uid"],
            }},
        });
        let account = self.service_account();
        let token = api.create(
            &format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"),
            &request,
        );
        let token = token.body["status"]["token"]
            .as_str()
            .unwrap_or_else(|| panic!("no token: {}", token.body));
        let path = format!("/api/v1/namespaces/{namespace}/configmaps/kube-root-ca.crt");
        let authority = wait("the authority is published", String::new, || {
            api.get(&path).body["data"]["ca.crt"]
                .as_str()
                .map(str::to_owned)
        });
        for (name, content) in [
            ("token", token),
            ("ca.crt", &authority),
            ("namespace", namespace),
        ] {
            self.files.write(format!("service-account/{name}"), content);
        }
    }

    fn text(&self, path: &str) -> &str {
        self.object
            .pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

impl Drop for Pod<'_> {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // It fails only for a process that is gone already, and the network with it.
        drop(self.pause.wait());
        if std::thread::panicking() {
            return;
        }
        // A machine would do it after the pod's grace. The namespace may be gone, and the pod with it.
        let path = format!("{}?gracePeriodSeconds=0", self.path());
        drop(self.plane.api().delete(&path));
    }
}

/// No two pods of this process have the same address, whatever their cluster.
fn next_number() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A pod of the Deployment as it is now; those of an earlier form may come and go meanwhile.
fn unbound(installation: &Installation<'_>) -> Value {
    let api = installation.plane.api();
    let namespace = &installation.namespace;
    let collection = |api_version, kind| {
        let path = api.path(api_version, kind, namespace, "");
        format!(
            "{path}?labelSelector={}",
            selector(&installation.deployment)
        )
    };
    let (sets, pods) = (collection("apps/v1", "ReplicaSet"), collection("v1", "Pod"));
    let path = api.path("apps/v1", "Deployment", namespace, installation.name());
    let explain = || api.get(&path).body["status"].to_string();
    wait_within(
        SCHEDULED,
        "a pod is made of the Deployment",
        explain,
        || {
            let deployment = api.get(&path).body;
            if deployment["status"]["observedGeneration"] != deployment["metadata"]["generation"] {
                return None;
            }
            let revision = |object: &Value| object["metadata"]["annotations"][REVISION].clone();
            let set = find(api.get(&sets).body, |set| {
                revision(set) == revision(&deployment)
            })?;
            find(api.get(&pods).body, |pod| {
                pod["metadata"]["labels"][HASH] == set["metadata"]["labels"][HASH]
                    && pod["spec"]["nodeName"].is_null()
                    && pod["metadata"]["deletionTimestamp"].is_null()
            })
        },
    )
}

/// The labels that a Deployment selects by, as a query.
fn selector(deployment: &Value) -> String {
    let labels = deployment["spec"]["selector"]["matchLabels"].as_object();
    let labels = labels.expect("a Deployment selects by labels");
    let pairs: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}%3D{}", value.as_str().unwrap_or_default()))
        .collect();
    pairs.join("%2C").replace('/', "%2F")
}

fn find(mut list: Value, is: impl Fn(&Value) -> bool) -> Option<Value> {
    let items = list["items"].as_array_mut()?;
    let index = items.iter().position(is)?;
    Some(items.swap_remove(index))
}

fn pause(plane: &ControlPlane) -> (Child, u32) {
    let mut process = plane
        .enclose("unshare")
        .args(["--net", "sh", "-c", PAUSE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("`nsenter` is there");
    let output = process.stdout.take().expect("standard output is a pipe");
    let first = first_line(output).parse();
    (process, first.expect("a network of its own can be made"))
}

pub(super) fn first_line(output: impl std::io::Read) -> String {
    let mut line = String::new();
    BufReader::new(output)
        .read_line(&mut line)
        .unwrap_or_default();
    line.trim().to_owned()
}

fn succeed(mut command: Command) {
    let output = command.output().expect("`nsenter` is there");
    assert!(
        output.status.success(),
        "a pod gets no network of its own: it takes virtual Ethernet devices (veth) and `ip`\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// How long a pod's program may take to get ready.
pub(super) const READY: Duration = LIMIT;
