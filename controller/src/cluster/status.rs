//! Writing the status of a SealedSecret, with the record of its Secret where there is room and it is kept.

use jiff::Timestamp;
use seal_api::{Reason, SealedSecretStatus, Verdict, conditions};
use serde_json::Value;
use tracing::warn;

use super::{
    Cluster,
    api_server::{ApiError, Kind},
    object_name::ObjectName,
    objects::number,
    read::{Read, text},
    reconcile::Done,
    record_key::OURS,
    records::NewRecord,
};
use crate::metrics::UnsealError;

/// Whether everything is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Told {
    /// It is.
    Whole,
    /// The record is not yet: it only turned out that records are kept.
    WithoutRecord,
}

impl Cluster {
    /// The status to write: the statement, where there is a new one, with the record that belongs to it, or the record alone,
    /// where it is news.
    pub(super) fn with_record(
        &self,
        name: &ObjectName,
        read: &Read,
        done: &Done,
        statement: Option<SealedSecretStatus>,
    ) -> Option<SealedSecretStatus> {
        let Some(key) = self.records.key() else {
            return statement;
        };
        let has_room = self
            .objects()
            .get(name)
            .is_some_and(|object| object.no_room_for_record != Some(read.seen));
        let new = done
            .record
            .as_ref()
            .filter(|new| has_room && new.record.hmac_key == key.id());
        match (statement, new) {
            (Some(statement), Some(new)) => Some(SealedSecretStatus {
                record: Some(new.record.clone()),
                ..statement
            }),
            (Some(mut statement), None) => {
                // What was written before still counts for what comes.
                let in_memory = self
                    .objects()
                    .get(name)
                    .and_then(|object| object.record.clone());
                let in_memory = in_memory.filter(|record| record.hmac_key == key.id());
                statement.record = in_memory
                    .map(|record| *record)
                    .or(statement.record)
                    .filter(|record| has_room && self.still_proves(name, read, record));
                Some(statement)
            }
            (None, Some(new)) if new.is_news => Some(SealedSecretStatus {
                record: Some(new.record.clone()),
                ..read.status.clone().unwrap_or_default()
            }),
            (None, _) => None,
        }
    }

    pub(super) async fn write_status(
        &self,
        name: &ObjectName,
        read: &Read,
        mut status: SealedSecretStatus,
    ) -> Result<Told, ApiError> {
        let mut written = self.put_status(name, &read.object, &status).await;
        if matches!(written, Err(ApiError::TooLarge(_))) && status.record.take().is_some() {
            self.has_no_room_for_record(name, read);
            written = self.put_status(name, &read.object, &status).await;
        }
        match written {
            Ok((sent, stored)) => {
                if self.look_whether_kept(&sent, &stored).await {
                    return Ok(Told::WithoutRecord);
                }
                if let Some(object) = self.objects().get_mut(name)
                    && !stored["status"]["record"].is_null()
                {
                    object.record = None;
                }
            }
            Err(ApiError::TooLarge(_)) => self.has_no_room(name, read),
            Err(error) => return Err(error),
        }
        Ok(Told::Whole)
    }

    /// Writes a status; returns the object as it was sent and as it is stored.
    async fn put_status(
        &self,
        name: &ObjectName,
        object: &Value,
        status: &SealedSecretStatus,
    ) -> Result<(Value, Value), ApiError> {
        let mut sent = object.clone();
        sent["status"] = serde_json::to_value(status).unwrap_or_default();
        let stored = self
            .api
            .replace_status(Kind::SealedSecret, name, &sent)
            .await?;
        self.metrics.status_written();
        if let Some(object) = self.objects().get_mut(name) {
            object.status_version = number(&text(&stored, "resourceVersion"));
        }
        Ok((sent, stored))
    }

    /// Notes in the status that a Secret is about to be made that has no owner reference, or has one no longer. Only its record
    /// proves such a Secret ours, so it goes first: a crash in between must not make it somebody else's. Whether the Secret may
    /// be written: not while nobody knows whether records are kept, for want of their key.
    pub(super) async fn write_intent(
        &self,
        name: &ObjectName,
        read: &mut Read,
        intent: impl Fn(&Self, &Read) -> Option<NewRecord>,
        now: Timestamp,
    ) -> Result<bool, ApiError> {
        if !self.args.update_status {
            return Ok(true);
        }
        if self.records.is_undecided() && read.object.pointer(OURS).is_some() {
            self.look_whether_kept(&read.object, &read.object).await;
            if self.records.is_undecided() {
                return Ok(false);
            }
        }
        if self.records.is_undecided() {
            // The first status of all tells whether records are kept.
            let verdict = Verdict::failed(Reason::Retrying, "the Secret is about to be made");
            let status = SealedSecretStatus {
                conditions: conditions(&[], &verdict, read.generation, now),
                ..read.status.clone().unwrap_or_default()
            };
            let (sent, stored) = self.put_status(name, &read.object, &status).await?;
            self.look_whether_kept(&sent, &stored).await;
            read.renew(stored);
            if self.records.is_undecided() {
                return Ok(false);
            }
        }
        let (Some(key), Some(new)) = (self.records.key(), intent(self, read)) else {
            return Ok(true);
        };
        if let Some(object) = self.objects().get_mut(name) {
            object.intent_void = false;
        }
        let status = read.status.clone().unwrap_or_default();
        if new.record.hmac_key != key.id() || status.record.as_ref() == Some(&new.record) {
            return Ok(true);
        }
        let status = SealedSecretStatus {
            record: Some(new.record),
            ..status
        };
        match self.put_status(name, &read.object, &status).await {
            Ok((sent, stored)) => {
                self.look_whether_kept(&sent, &stored).await;
                read.renew(stored);
                Ok(true)
            }
            // Then this process alone knows.
            Err(ApiError::TooLarge(_)) => {
                self.has_no_room_for_record(name, read);
                if let Some(object) = self.objects().get_mut(name) {
                    object.record = status.record.map(Box::new);
                }
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    fn has_no_room_for_record(&self, name: &ObjectName, read: &Read) {
        self.metrics.record_left_out();
        if let Some(object) = self.objects().get_mut(name) {
            object.no_room_for_record = Some(read.seen);
        }
    }

    /// The object is as large as the API server can store, so that its status does not fit. The Event tells of it.
    fn has_no_room(&self, name: &ObjectName, read: &Read) {
        warn!(key = %name, "the SealedSecret is so large that the API server cannot store a status with it; none is written until it changes");
        self.metrics
            .unseal_failed(UnsealError::Status, &name.namespace);
        if let Some(object) = self.objects().get_mut(name) {
            object.too_large = Some(read.seen);
        }
    }
}
