//! The peers our tests and benchmarks compare with, such as the real `kubeseal`, and the cluster they run in.
//!
//! Each comes from a Go module beside this crate (`go.mod` and a committed `go.sum`, one folder a project), is built once
//! by the Go toolchain and kept outside `target/`, in a folder named after a hash of everything that decides what is
//! built. A new peer is a row in [`TOOLS`] and, where its project is new, a folder. Checksum verification is never
//! switched off: the build is `-mod=readonly`, so every module must match the committed `go.sum`.
//!
//! The programs of the cluster are taken from where envtest keeps them instead, if they are there: see [`Tool::path`].

mod build;
mod error;
mod found;
mod modules;

use std::path::PathBuf;

pub use error::Error;
pub use modules::Module;

/// A program built from a pinned Go module.
#[derive(Debug)]
pub struct Tool {
    /// The program's name.
    pub name: &'static str,
    /// The folder with the `go.mod`.
    pub module: &'static str,
    /// The Go package that is built.
    pub package: &'static str,
    /// What becomes of the package.
    pub kind: Kind,
    /// What the linker is told, beside leaving symbols out.
    pub ldflags: &'static str,
    /// Whether the same program of another build, installed for envtest, does as well.
    pub in_envtest: bool,
}

/// What is built from a package.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum Kind {
    /// The program that the package is.
    Program,
    /// A program that runs the tests of the package.
    Tests {
        /// The build tags that the tests ask for.
        tags: &'static str,
    },
}

const fn program(name: &'static str, module: &'static str, package: &'static str) -> Tool {
    Tool {
        name,
        module,
        package,
        kind: Kind::Program,
        ldflags: "",
        in_envtest: false,
    }
}

/// The command line of the project we are compatible with.
pub const KUBESEAL: Tool = Tool {
    ldflags: "-X main.VERSION=v0.40.0",
    ..program(
        "kubeseal",
        "sealed-secrets",
        "github.com/bitnami/sealed-secrets/cmd/kubeseal",
    )
};

/// The controller of the project we are compatible with.
pub const UPSTREAM_CONTROLLER: Tool = Tool {
    name: "upstream-controller",
    package: "github.com/bitnami/sealed-secrets/cmd/controller",
    ..KUBESEAL
};

/// The integration tests of the project we are compatible with, as a program.
pub const UPSTREAM_INTEGRATION: Tool = Tool {
    kind: Kind::Tests {
        tags: "integration",
    },
    ..program(
        "upstream-integration",
        KUBESEAL.module,
        "github.com/bitnami/sealed-secrets/integration",
    )
};

/// The store of a cluster.
pub const ETCD: Tool = Tool {
    in_envtest: true,
    ..program("etcd", "etcd", "go.etcd.io/etcd/server/v3")
};

/// The API server of a cluster.
pub const KUBE_APISERVER: Tool = Tool {
    // Without these the server says that it is v0.0.0.
    ldflags: "-X k8s.io/component-base/version.gitVersion=v1.36.3 \
              -X k8s.io/component-base/version.gitMajor=1 \
              -X k8s.io/component-base/version.gitMinor=36",
    in_envtest: true,
    ..program(
        "kube-apiserver",
        "kubernetes",
        "k8s.io/kubernetes/cmd/kube-apiserver",
    )
};

/// The controllers of a cluster.
pub const KUBE_CONTROLLER_MANAGER: Tool = Tool {
    name: "kube-controller-manager",
    package: "k8s.io/kubernetes/cmd/kube-controller-manager",
    ..KUBE_APISERVER
};

/// The renderer of charts.
pub const HELM: Tool = program("helm", "helm", "helm.sh/helm/v4/cmd/helm");

/// The renderer of the manifests that upstream writes in Jsonnet.
pub const JSONNET: Tool = program(
    "jsonnet",
    "jsonnet",
    "github.com/google/go-jsonnet/cmd/jsonnet",
);

/// The renderer of our manifests.
pub const KUSTOMIZE: Tool = program(
    "kustomize",
    "kustomize",
    "sigs.k8s.io/kustomize/kustomize/v5",
);

/// A program of ours that says what kstatus and Argo CD's own script make of objects.
pub const HEALTH: Tool = program("health", "health", ".");

/// A program of ours that renders templates as the project we are compatible with does.
pub const TEMPLATES: Tool = Tool {
    name: "templates",
    module: "templates",
    package: ".",
    ..HELM
};

/// Argo CD, for the scripts by which it judges the health of objects.
pub const ARGO_CD: Module = Module {
    name: "argo-cd",
    pinned_in: "argo-cd",
    path: "github.com/argoproj/argo-cd/v3",
};

/// The project we are compatible with, for its chart and its manifests.
pub const SEALED_SECRETS: Module = Module {
    name: "sealed-secrets",
    pinned_in: KUBESEAL.module,
    path: "github.com/bitnami/sealed-secrets",
};

/// Every peer.
pub const TOOLS: &[Tool] = &[
    KUBESEAL,
    UPSTREAM_CONTROLLER,
    UPSTREAM_INTEGRATION,
    ETCD,
    KUBE_APISERVER,
    KUBE_CONTROLLER_MANAGER,
    HELM,
    JSONNET,
    KUSTOMIZE,
    HEALTH,
    TEMPLATES,
];

/// What a control plane is made of.
pub const CONTROL_PLANE: &[Tool] = &[ETCD, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER];

impl Tool {
    /// Returns the peer with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TOOLS.iter().find(|tool| tool.name == name)
    }

    /// Returns the path of the built program, building it first where no earlier build is there.
    ///
    /// A program of a cluster is taken from the folder `KUBEBUILDER_ASSETS`, or else `/usr/local/kubebuilder/bin`,
    /// where that has it.
    ///
    /// Several processes may ask at once: one builds, the others wait for it.
    ///
    /// # Errors
    ///
    /// When Go is missing or the build fails.
    pub fn path(&self) -> Result<PathBuf, Error> {
        match found::path(self) {
            Some(path) => Ok(path),
            None => build::path(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_a_module_with_checksums() {
        for tool in TOOLS {
            for file in ["go.mod", "go.sum"] {
                let path = build::module(tool.module).join(file);
                assert!(path.is_file(), "{} is missing", path.display());
            }
        }
    }

    #[test]
    fn a_tool_is_found_by_its_name() {
        assert_eq!(
            Tool::named("kubeseal").map(|tool| tool.package),
            Some(KUBESEAL.package)
        );
        assert!(Tool::named("no-such-tool").is_none());
    }
}
