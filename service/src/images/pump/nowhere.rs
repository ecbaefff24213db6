//! A writer for bytes that are only looked at.

use async_trait::async_trait;

use crate::stores::{Batch, StoreError, Writer};

/// Takes every byte and keeps none.
pub struct Nowhere;

#[async_trait]
impl Writer for Nowhere {
    async fn write(&mut self, _batch: Batch) -> Result<(), StoreError> {
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<String, StoreError> {
        Err(StoreError::ReadOnly)
    }

    async fn flush(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn keep(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn cancel(self: Box<Self>) {}
}
