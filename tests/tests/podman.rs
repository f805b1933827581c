//! `podman kube play` takes the Secrets of the directory shell. Run by `cargo xtask test --long`: it needs podman, which is
//! not on every machine, and no container is started.

#[path = "directory/store.rs"]
#[expect(dead_code, reason = "the tests of the directory shell need more of it")]
mod store;

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use store::{Store, sealed_as};

const IMAGE: &str = "localhost/seal-test:1";

#[test]
fn podman_makes_secrets_and_volumes_of_what_the_controller_writes() {
    let store = Store::new();
    let opaque: &[(&str, &[u8])] = &[
        ("binary", &[0, 0xff, 0x80, b'\n', 0]),
        ("lines", b"one\ntwo: \"three\"\n"),
        ("on", b"yes"),
        ("empty", b""),
    ];
    let registry: &[(&str, &[u8])] = &[(
        ".dockerconfigjson",
        br#"{"auths": {"registry.example.com": {"auth": "Ym9iOnB3"}}}"#,
    )];
    let tls: &[(&str, &[u8])] = &[("tls.crt", b"certificate\n"), ("tls.key", b"key\n")];
    let secrets = [
        ("opaque", "Opaque", opaque),
        ("registry", "kubernetes.io/dockerconfigjson", registry),
        ("web", "kubernetes.io/tls", tls),
    ];
    for (name, kind, data) in secrets {
        let text = sealed_as("app", name, "", |secret| {
            secret.type_ = Some(kind.into());
            secret.data = data
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).into()))
                .collect();
        });
        store.put(&format!("sealed/{name}.yaml"), text);
    }
    store.once().exits(0);

    let podman = Podman::new(&store);
    for (name, ..) in secrets {
        let file = store.path(&format!("secrets/app/{name}.yaml"));
        let file = file.to_str().expect("it is ASCII");
        // The second time it replaces the first.
        for _ in 0..2 {
            podman.run(["kube", "play", file]);
        }
    }
    let mut names: Vec<_> = podman.lines(["secret", "ls", "--format", "{{.Name}}"]);
    names.sort();
    assert_eq!(names, ["opaque", "registry", "web"]);

    podman.import_image();
    let pod = store.scratch.write("pod.yaml", POD);
    podman.run([
        "kube",
        "play",
        "--start=false",
        "--network=none",
        pod.to_str().expect("it is ASCII"),
    ]);
    for (name, _, data) in secrets {
        let wanted = data.iter().map(|(key, value)| {
            // Podman before 4.4 does not decode what it mounts.
            let value = if podman.is_before_4_4() {
                STANDARD.encode(value).into_bytes()
            } else {
                value.to_vec()
            };
            ((*key).to_owned(), value)
        });
        let wanted: BTreeMap<_, _> = wanted.collect();
        assert_eq!(podman.volume(name), wanted, "the volume {name}");
    }
}

/// One container that mounts the three Secrets. Podman 4.3 needs to be told that they are not optional.
const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: probe}
spec:
  containers:
  - name: probe
    image: localhost/seal-test:1
    imagePullPolicy: Never
    command: [/none]
    volumeMounts:
    - {name: opaque, mountPath: /opaque}
    - {name: registry, mountPath: /registry}
    - {name: web, mountPath: /web}
  volumes:
  - {name: opaque, secret: {secretName: opaque, optional: false}}
  - {name: registry, secret: {secretName: registry, optional: false}}
  - {name: web, secret: {secretName: web, optional: false}}
";

/// Podman with a store of its own, so that it finds nothing of this machine's and leaves nothing.
struct Podman<'s> {
    store: &'s Store,
    settings: PathBuf,
}

impl<'s> Podman<'s> {
    fn new(store: &'s Store) -> Self {
        // Without an image for the pod itself podman builds one, out of a program that may not be installed.
        let settings = format!("[engine]\ninfra_image = \"{IMAGE}\"\n");
        let settings = store.scratch.write("containers.conf", settings);
        Self { store, settings }
    }

    fn root(&self) -> PathBuf {
        self.store.scratch.home().join("containers")
    }

    /// Runs it to its end and returns what it printed.
    ///
    /// # Panics
    ///
    /// When it is missing or fails.
    fn run<const N: usize>(&self, arguments: [&str; N]) -> String {
        let output = Command::new("podman")
            .arg("--root")
            .arg(self.root())
            .arg("--runroot")
            .arg(self.store.scratch.home().join("run"))
            .args(["--storage-driver=vfs", "--cgroup-manager=cgroupfs"])
            .args(arguments)
            .env("CONTAINERS_CONF", &self.settings)
            .stdin(Stdio::null())
            .output()
            .expect("podman (Debian: package podman) can be run");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "podman {arguments:?}: {errors}");
        String::from_utf8(output.stdout).expect("podman writes UTF-8")
    }

    fn lines<const N: usize>(&self, arguments: [&str; N]) -> Vec<String> {
        let output = self.run(arguments);
        output.lines().map(str::to_owned).collect()
    }

    /// An image with nothing in it but the name of a program.
    fn import_image(&self) {
        // Two blocks of zeros end an archive.
        let archive = self.store.scratch.write("empty.tar", [0; 1024]);
        let archive = archive.to_str().expect("it is ASCII");
        self.run(["import", "--quiet", "--change=CMD /none", archive, IMAGE]);
    }

    /// The files of a volume.
    fn volume(&self, name: &str) -> BTreeMap<String, Vec<u8>> {
        let folder = self.root().join("volumes").join(name).join("_data");
        let entries =
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let entries = entries.map(|entry| entry.expect("the folder can be listed"));
        entries
            .map(|entry| {
                let name = entry.file_name().into_string().expect("it is a key");
                let content = fs::read(entry.path()).expect("the file can be read");
                (name, content)
            })
            .collect()
    }

    fn is_before_4_4(&self) -> bool {
        let version = self.run(["version", "--format", "{{.Client.Version}}"]);
        let mut parts = version.trim().split('.').map(str::parse::<u32>);
        let mut next = || parts.next().and_then(Result::ok).unwrap_or_default();
        (next(), next()) < (4, 4)
    }
}
