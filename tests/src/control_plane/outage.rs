//! What goes wrong with a control plane itself: a part of it is killed, etcd forgets its history, or is restored to what
//! it was.

use std::{
    fs,
    path::{Path, PathBuf},
};

use seal_tools::{ETCD, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER, Tool};

use super::{ControlPlane, etcd};
use crate::tools;

/// A server of a control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// etcd.
    Etcd,
    /// kube-apiserver.
    ApiServer,
    /// kube-controller-manager.
    Controllers,
}

/// What was stored at a moment.
#[derive(Debug)]
pub struct Snapshot(PathBuf);

impl Part {
    fn program(self) -> &'static Tool {
        match self {
            Self::Etcd => &ETCD,
            Self::ApiServer => &KUBE_APISERVER,
            Self::Controllers => &KUBE_CONTROLLER_MANAGER,
        }
    }
}

impl ControlPlane {
    /// Kills a server (SIGKILL).
    ///
    /// # Panics
    ///
    /// When it ended before.
    pub fn kill(&self, part: Part) {
        let program = tools::path(part.program());
        let mut servers = self.servers();
        let server = servers
            .iter_mut()
            .find(|server| server.program() == program);
        server.expect("each part was started").kill();
        if part == Part::ApiServer {
            self.api.forget_connections();
        }
    }

    /// Starts a server again after [`Self::kill`], with the same data, at the same address.
    ///
    /// # Panics
    ///
    /// When it was not killed.
    pub fn start_again(&self, part: Part) {
        let program = tools::path(part.program());
        let mut servers = self.servers();
        let server = servers
            .iter_mut()
            .find(|server| server.program() == program);
        let command = self.network.enclose(&program);
        server.expect("each part was started").start_again(command);
    }

    /// Waits until the API server answers, and says that all it needs is there.
    ///
    /// # Panics
    ///
    /// When it does not, or when a server ended.
    pub fn wait_until_ready(&self) {
        self.wait_until("the API server is ready", |api| api.answers_well("/readyz"));
    }

    /// Makes etcd forget every state but the one that there is now; returns its revision.
    ///
    /// # Panics
    ///
    /// When etcd refuses.
    pub fn compact(&self) -> u64 {
        etcd::compact(self.reach(etcd::ETCD_ADDRESS))
    }

    /// Takes a snapshot of what is stored, for which etcd is killed and started again.
    ///
    /// # Panics
    ///
    /// When it cannot be stored.
    pub fn snapshot(&self) -> Snapshot {
        let data = etcd::data(&self.folder);
        let beside = data.parent().expect("it lies in a folder");
        let count = fs::read_dir(beside).expect("it is there").count();
        let snapshot = beside.join(format!("snapshot-{count}"));
        self.kill(Part::Etcd);
        copy(&data, &snapshot);
        self.start_again(Part::Etcd);
        self.wait_until_ready();
        Snapshot(snapshot)
    }

    /// Restores a snapshot as an administrator does: nothing of the control plane runs meanwhile. Versions of objects go
    /// back with it, and those after it come again and stand for something else.
    ///
    /// # Panics
    ///
    /// When the data cannot be replaced, or the control plane does not get ready again.
    pub fn restore(&self, snapshot: &Snapshot) {
        let all = [Part::Controllers, Part::ApiServer, Part::Etcd];
        all.into_iter().for_each(|part| self.kill(part));
        let data = etcd::data(&self.folder);
        fs::remove_dir_all(&data).expect("it is ours");
        copy(&snapshot.0, &data);
        self.start_again(Part::Etcd);
        self.start_again(Part::ApiServer);
        self.wait_until_ready();
        self.start_again(Part::Controllers);
    }
}

fn copy(from: &Path, to: &Path) {
    let failed = |error| -> ! { panic!("{}: {error}", to.display()) };
    fs::create_dir(to).unwrap_or_else(|error| failed(error));
    let entries = fs::read_dir(from).unwrap_or_else(|error| failed(error));
    for entry in entries.map(|entry| entry.unwrap_or_else(|error| failed(error))) {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target);
        } else {
            fs::copy(&source, &target).unwrap_or_else(|error| failed(error));
        }
    }
}
