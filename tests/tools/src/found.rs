//! Programs of a cluster that are on the machine already, where envtest keeps them.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::Tool;

const FOLDER: &str = "/usr/local/kubebuilder/bin";

pub(crate) fn path(tool: &Tool) -> Option<PathBuf> {
    let named = env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    within(
        tool,
        named
            .iter()
            .map(PathBuf::as_path)
            .chain([Path::new(FOLDER)]),
    )
}

fn within<'a>(tool: &Tool, folders: impl IntoIterator<Item = &'a Path>) -> Option<PathBuf> {
    folders
        .into_iter()
        .filter(|_| tool.in_envtest)
        .map(|folder| folder.join(tool.name))
        .find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ETCD, KUBESEAL};

    #[test]
    fn only_a_program_of_the_cluster_is_taken_from_envtest() {
        let folder = env::temp_dir().join(format!("seal-tools-found-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["etcd", "kubeseal"] {
            std::fs::write(folder.join(name), "").unwrap();
        }
        let found = |tool| within(tool, [Path::new("/nowhere"), &folder]);
        assert_eq!(found(&ETCD), Some(folder.join("etcd")));
        assert_eq!(found(&KUBESEAL), None);
        assert_eq!(within(&ETCD, [Path::new("/nowhere")]), None);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
