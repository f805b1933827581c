//! Who is who: a certificate authority, the API server's certificate, the key of ServiceAccounts, users with tokens.

use std::{
    fs::{self, File, Permissions},
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use super::network::ADDRESS;

/// The addresses that Services get; the first is the API server's.
pub(super) const SERVICES: &str = "10.96.0.0/16";
const API_SERVICE: &str = "10.96.0.1";

#[derive(Clone, Copy, Debug)]
pub(super) enum User {
    Admin,
    ControllerManager,
}

impl User {
    fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::ControllerManager => "system:kube-controller-manager",
        }
    }

    fn groups(self) -> &'static str {
        match self {
            Self::Admin => "system:masters",
            Self::ControllerManager => "",
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Admin => "kubeconfig",
            Self::ControllerManager => "credentials/controller-manager.kubeconfig",
        }
    }
}

/// What was written below a folder, new for each control plane.
#[derive(Debug)]
pub(super) struct Credentials {
    folder: PathBuf,
    authority: String,
    admin: String,
    controller_manager: String,
}

impl Credentials {
    /// Makes and writes everything, for an API server on this port.
    pub(super) fn new(folder: &Path, port: u16) -> Self {
        let issuer = issuer();
        let credentials = Self {
            folder: folder.to_owned(),
            authority: issuer.certificate,
            admin: random_token(),
            controller_manager: random_token(),
        };
        fs::create_dir(folder.join("credentials")).expect("the folder is ours");
        credentials.write("ca.crt", &credentials.authority);
        let names = [
            "127.0.0.1",
            "localhost",
            ADDRESS,
            API_SERVICE,
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        ];
        let key = new_key();
        let certificate = CertificateParams::new(names.map(str::to_owned))
            .and_then(|params| params.signed_by(&key, &issuer.issuer))
            .expect("the names are valid");
        credentials.write("apiserver.crt", &certificate.pem());
        credentials.write("apiserver.key", &key.serialize_pem());
        let key = new_key();
        credentials.write("service-accounts.key", &key.serialize_pem());
        credentials.write("service-accounts.pub", &key.public_key_pem());
        let mut tokens = String::new();
        for user in [User::Admin, User::ControllerManager] {
            let (token, name, groups) = (credentials.token(user), user.name(), user.groups());
            tokens += &format!("{token},{name},{name},\"{groups}\"\n");
            credentials.write_kubeconfig(user, port);
        }
        credentials.write("tokens.csv", &tokens);
        credentials
    }

    /// The certificate of the authority, in PEM.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    pub(super) fn token(&self, user: User) -> &str {
        match user {
            User::Admin => &self.admin,
            User::ControllerManager => &self.controller_manager,
        }
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join("credentials").join(name)
    }

    /// The file with which a program is this user.
    pub(super) fn kubeconfig(&self, user: User) -> PathBuf {
        self.folder.join(user.file())
    }

    fn write(&self, name: &str, text: &str) {
        write_private(&self.file(name), text);
    }

    fn write_kubeconfig(&self, user: User, port: u16) {
        let authority = STANDARD.encode(&self.authority);
        let (name, token) = (user.name(), self.token(user));
        let text = format!(
            r#"apiVersion: v1
kind: Config
current-context: seal-control-plane
clusters:
- name: seal-control-plane
  cluster:
    server: https://127.0.0.1:{port}
    certificate-authority-data: {authority}
users:
- name: "{name}"
  user:
    token: {token}
contexts:
- name: seal-control-plane
  context:
    cluster: seal-control-plane
    user: "{name}"
"#
        );
        write_private(&self.kubeconfig(user), &text);
    }
}

struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

fn issuer() -> Authority {
    let key = new_key();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(DnType::CommonName, "seal-control-plane");
    let certificate = params
        .self_signed(&key)
        .expect("the authority's parameters are valid")
        .pem();
    Authority {
        certificate,
        issuer: Issuer::new(params, key),
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("the system gives random bytes")
}

fn random_token() -> String {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .expect("the system gives random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write_private(path: &Path, text: &str) {
    fs::write(path, text)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o600)))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
