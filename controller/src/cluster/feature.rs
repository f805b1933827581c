//! What the controller can do without, where rights are missing.

/// What the controller does without where rights are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Feature {
    /// Key Secrets are listed every half minute instead of watched.
    KeyWatch,
    /// The certificate is not offered as a ConfigMap.
    CertificateConfigMap,
    /// This replica works as if there were no other.
    LeaderElection,
    /// A new key is in use as soon as it is stored.
    PendingKeys,
    /// `--old-gc-behavior` deletes nothing.
    OldGarbageCollection,
    /// Nothing is recorded, as the API server keeps no records.
    Record,
    /// Nothing is recorded, as there is no key.
    RecordKey,
}

impl Feature {
    pub(super) const ALL: [Self; 7] = [
        Self::KeyWatch,
        Self::CertificateConfigMap,
        Self::LeaderElection,
        Self::PendingKeys,
        Self::OldGarbageCollection,
        Self::Record,
        Self::RecordKey,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::KeyWatch => "key-watch",
            Self::CertificateConfigMap => "certificate-config-map",
            Self::LeaderElection => "leader-election",
            Self::PendingKeys => "pending-keys",
            Self::OldGarbageCollection => "old-gc-behavior",
            Self::Record => "record",
            Self::RecordKey => "record-key",
        }
    }

    /// What its loss means, for the log.
    pub(super) fn loss(self) -> &'static str {
        match self {
            Self::KeyWatch => {
                "no right to watch the Secrets of the controller's namespace: new keys are found within half a minute"
            }
            Self::CertificateConfigMap => {
                "no right to write ConfigMaps in the controller's namespace: the certificate is offered over HTTP only"
            }
            Self::LeaderElection => {
                "Leases cannot be used in the controller's namespace, for want of rights or of the API: this replica works as if there were no other"
            }
            Self::PendingKeys => {
                "no right to update Secrets in the controller's namespace: a new key is in use as soon as it is stored"
            }
            Self::OldGarbageCollection => {
                "no right to delete Secrets: they go with their SealedSecrets by the cluster's garbage collector only"
            }
            Self::Record => {
                "the CustomResourceDefinition keeps no records in statuses, as that of the Go project: every start opens every SealedSecret again; apply ours"
            }
            Self::RecordKey => {
                "no right to read and create Secrets in the controller's namespace, so there is no key for records: every start opens every SealedSecret again"
            }
        }
    }
}
