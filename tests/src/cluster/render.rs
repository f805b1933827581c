//! Manifests as their users get them: helm for the chart, jsonnet for upstream's manifest, kustomize for ours.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use seal_manifest::{Limits, read};
use seal_tools::{HELM, JSONNET, KUSTOMIZE, SEALED_SECRETS, Tool};
use serde_json::Value;

use super::setup::{Manifests, Setup};
use crate::{scratch::Scratch, tools};

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy");
const USUAL_NAMESPACE: &str = "kube-system";

pub(super) fn render(setup: &Setup) -> Vec<Value> {
    let mut objects = match setup.manifests {
        Manifests::Chart => chart(setup),
        Manifests::Static => upstream_static(setup),
        Manifests::Ours => ours(setup),
    };
    objects.retain(|object| !object.is_null());
    if setup.namespace != USUAL_NAMESPACE {
        for object in &mut objects {
            name_apart(object, &setup.namespace);
        }
    }
    objects
}

fn chart(setup: &Setup) -> Vec<Value> {
    let folder = upstream();
    let scratch = Scratch::new();
    let mut helm = renderer(&HELM, &scratch);
    helm.args(["template", "sealed-secrets-controller", "--include-crds"])
        .arg(folder.join("helm/sealed-secrets"))
        .args(["--namespace", &setup.namespace]);
    let mut set = |path: &str, value: &Value| {
        helm.arg("--set-json").arg(format!("{path}={value}"));
    };
    if !setup.watched.is_empty() {
        set("additionalNamespaces", &setup.watched.clone().into());
    }
    if setup.namespaced_roles {
        set("rbac.clusterRole", &false.into());
        set("rbac.namespacedRoles", &true.into());
    }
    for (path, value) in &setup.values {
        set(path, value);
    }
    documents(&output(helm))
}

fn upstream_static(setup: &Setup) -> Vec<Value> {
    let scratch = Scratch::new();
    let mut jsonnet = renderer(&JSONNET, &scratch);
    // It stands in for the library of kubecfg, which upstream renders with.
    jsonnet
        .arg("--jpath")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tools/jsonnet"))
        .args([
            "--ext-str",
            "CONTROLLER_IMAGE=docker.io/bitnami/sealed-secrets-controller:0.40.0",
        ])
        .args(["--ext-str", "IMAGE_PULL_POLICY="])
        .arg(upstream().join("controller.jsonnet"));
    let named: Value = serde_json::from_str(&output(jsonnet)).expect("jsonnet writes JSON");
    let mut objects: Vec<Value> = named
        .as_object()
        .expect("the manifest is a set of named objects")
        .values()
        .cloned()
        .collect();
    // Its namespace is fixed; whoever wants another edits the file.
    for object in &mut objects {
        for path in ["/metadata/namespace", "/subjects/0/namespace"] {
            if let Some(namespace) = object.pointer_mut(path) {
                *namespace = setup.namespace.clone().into();
            }
        }
    }
    objects
}

/// Through a kustomization as a user writes one around ours.
fn ours(setup: &Setup) -> Vec<Value> {
    let variant = match setup.namespaced_roles {
        true => "namespaced",
        false => "cluster",
    };
    let mut objects = kustomize(&setup.namespace, variant);
    if setup.namespaced_roles {
        for namespace in &setup.watched {
            let mut roles = kustomize(namespace, "watched-namespace");
            for role in &mut roles {
                if let Some(subject) = role.pointer_mut("/subjects/0/namespace") {
                    *subject = setup.namespace.clone().into();
                }
            }
            objects.extend(roles);
        }
    }
    let crd = fs::read_dir(Path::new(DEPLOY).join("crd"))
        .expect("the CRD is there")
        .map(|entry| fs::read_to_string(entry.expect("it can be listed").path()));
    for text in crd {
        objects.extend(documents(&text.expect("a file of ours can be read")));
    }
    objects
}

fn kustomize(namespace: &str, variant: &str) -> Vec<Value> {
    let resource = format!("deploy/manifests/{variant}");
    kustomized(&format!(
        "namespace: {namespace}\nresources:\n- {resource}\n"
    ))
}

/// What kustomize makes of a kustomization in the folder of this project.
///
/// # Panics
///
/// When it makes nothing of it.
pub fn kustomized(kustomization: &str) -> Vec<Value> {
    let scratch = Scratch::new();
    let folder = scratch.path().canonicalize().expect("it was just made");
    let deploy = Path::new(DEPLOY).canonicalize().expect("it is there");
    // Kustomize takes no absolute path.
    let up = "../".repeat(folder.components().count() - 1);
    let deploy = deploy.display().to_string();
    let deploy = format!("- {up}{}/", deploy.trim_start_matches('/'));
    let text = kustomization.replace("- deploy/", &deploy);
    scratch.write("kustomization.yaml", text);
    let mut kustomize = renderer(&KUSTOMIZE, &scratch);
    kustomize.arg("build").arg(folder);
    documents(&output(kustomize))
}

fn upstream() -> PathBuf {
    SEALED_SECRETS
        .folder()
        .unwrap_or_else(|error| panic!("{error}"))
}

fn renderer(tool: &Tool, scratch: &Scratch) -> Command {
    let mut command = Command::new(tools::path(tool));
    command.env_clear().env("HOME", scratch.home());
    command
}

fn output(mut command: Command) -> String {
    let output = command.output().expect("a tool of ours can be run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{said}");
    String::from_utf8(output.stdout).expect("a renderer writes UTF-8")
}

fn documents(text: &str) -> Vec<Value> {
    let stream = read(text, &Limits::default()).expect("a renderer writes YAML");
    stream
        .documents
        .iter()
        .map(|document| {
            let document = document.as_ref().expect("a renderer writes YAML");
            document.root.to_json()
        })
        .collect()
}

/// Several installations fit beside each other when the names that belong to the whole cluster differ.
fn name_apart(object: &mut Value, namespace: &str) {
    let of_the_cluster =
        |kind: &Value| matches!(kind.as_str(), Some("ClusterRole" | "ClusterRoleBinding"));
    if of_the_cluster(&object["kind"]) {
        end_with(&mut object["metadata"]["name"], namespace);
    }
    if of_the_cluster(&object["roleRef"]["kind"]) {
        end_with(&mut object["roleRef"]["name"], namespace);
    }
}

fn end_with(name: &mut Value, namespace: &str) {
    if let Value::String(name) = name {
        write!(name, "-{namespace}").expect("a text takes more text");
    }
}
