//! The list of flags: kubeseal's, in the words of this project.

use super::{
    Belongs::{Client, Log, Own},
    Flag,
    Takes::{self, List, Number, Scope, Switch, Text, Texts},
};

/// Every flag, one a line.
#[rustfmt::skip]
pub const FLAGS: &[Flag] = &[
    own("allow-empty-data", Switch, "Seal a Secret without a value as well"),
    own("cert", Text, "The certificate to seal with: a file or a URL; without it, the controller is asked"),
    own("controller-name", Text, "The name of the controller's Service").default("\"sealed-secrets-controller\""),
    own("controller-namespace", Text, "The namespace of the controller's Service").default("\"kube-system\""),
    own("fetch-cert", Switch, "Print the certificate and do nothing else"),
    own("format", Text, "The format of the output, json or yaml").letter('o').default("\"json\""),
    own("from-file", Texts, "The file with the value for --raw; a key before it, as in key=path, is left out of account"),
    own("help", Switch, "Print this list"),
    own("kubeconfig", Text, "The kubeconfig file to reach the cluster with"),
    own("merge-into", Text, "Add the sealed items to the SealedSecret in this file, in place"),
    own("name", Text, "The name of the Secret, in place of the one it has; needed for --raw in the scope strict"),
    own("raw", Switch, "Seal one value and print it as base64, without a newline"),
    own("re-encrypt", Switch, "Have the controller seal the items again with its newest key"),
    own("recovery-private-key", List, "Files with private keys for --recovery-unseal: PEM, or exported key Secrets, also as a List"),
    own("recovery-unseal", Switch, "Open a SealedSecret offline with private keys, and print the Secret in cleartext"),
    own("rotate", Switch, "The old name of --re-encrypt"),
    own("scope", Scope, "Where the value may be unsealed: strict, namespace-wide or cluster-wide; without it, as the Secret's annotations say").default("\"strict\""),
    own("sealed-secret-file", Text, "Write to this file; one named .yaml or .yml becomes YAML").letter('w'),
    own("secret-file", Text, "Read this file instead of standard input").letter('f'),
    own("validate", Switch, "Ask the controller whether it can open a SealedSecret"),
    own("version", Switch, "Print the version"),
    client("as", Text, "The user to impersonate"),
    client("as-group", Texts, "A group to impersonate"),
    client("as-uid", Text, "The UID to impersonate"),
    client("certificate-authority", Text, "The file with the certificate authority of the API server"),
    client("client-certificate", Text, "The file with the client certificate"),
    client("client-key", Text, "The file with the key of the client certificate"),
    client("cluster", Text, "The cluster of the kubeconfig"),
    client("context", Text, "The context of the kubeconfig"),
    client("disable-compression", Switch, "Ask for no compressed answers; none are asked for anyway"),
    client("insecure-skip-tls-verify", Switch, "Do not check the certificate of the API server"),
    client("namespace", Text, "The namespace of Secrets that name none").letter('n'),
    client("password", Text, "The password at the API server"),
    client("proxy-url", Text, "The proxy to the API server"),
    client("request-timeout", Text, "How long one request may take, such as 30s or 2m; 0 is without a limit").default("\"0\""),
    client("server", Text, "The address of the API server"),
    client("tls-server-name", Text, "The name that the API server's certificate is checked for"),
    client("token", Text, "The bearer token for the API server"),
    client("user", Text, "The user of the kubeconfig"),
    client("username", Text, "The user name at the API server"),
    log("add_dir_header", Switch),
    log("alsologtostderr", Switch),
    log("alsologtostderrthreshold", Text),
    log("legacy_stderr_threshold_behavior", Switch),
    log("log_backtrace_at", Text),
    log("log_dir", Text),
    log("log_file", Text),
    log("log_file_max_size", Number),
    log("logtostderr", Switch),
    log("one_output", Switch),
    log("skip_headers", Switch),
    log("skip_log_headers", Switch),
    log("stderrthreshold", Text),
    log("v", Number).letter('v'),
    log("vmodule", Text),
];

const fn own(name: &'static str, takes: Takes, help: &'static str) -> Flag {
    Flag {
        name,
        letter: None,
        takes,
        default: None,
        belongs: Own,
        help,
    }
}

const fn client(name: &'static str, takes: Takes, help: &'static str) -> Flag {
    Flag {
        belongs: Client,
        ..own(name, takes, help)
    }
}

const fn log(name: &'static str, takes: Takes) -> Flag {
    Flag {
        belongs: Log,
        ..own(name, takes, "No effect: there is no log")
    }
}

impl Flag {
    const fn letter(self, letter: char) -> Self {
        Self {
            letter: Some(letter),
            ..self
        }
    }

    const fn default(self, value: &'static str) -> Self {
        Self {
            default: Some(value),
            ..self
        }
    }
}
