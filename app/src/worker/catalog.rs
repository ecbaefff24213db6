//! The list of images, page by page, and deleting.

use glasshouse_shared::client::Client;

use super::report::{Reporter, failure};
use crate::event::Event;

/// So many images are asked for at once; the service may give fewer.
const PAGE: u32 = 500;

pub async fn list(client: Client, generation: u64, reporter: Reporter) {
    let mut page = client.list_images(&[("limit", PAGE.to_string())]).await;
    loop {
        match page {
            Err(error) => {
                reporter.tell(Event::ListFailed { generation, failure: failure(&error) }).await;
                return;
            }
            Ok(found) => {
                let is_last = found.next.is_none();
                reporter.tell(Event::Listed { generation, images: found.images, is_last }).await;
                let Some(next) = found.next else { return };
                page = client.next_images(&next).await;
            }
        }
    }
}

pub async fn delete(client: Client, generation: u64, (id, name): (String, String), reporter: Reporter) {
    let event = match client.delete_image(&id).await {
        Ok(()) => Event::Deleted { generation, id, name },
        Err(error) => Event::DeleteFailed { generation, failure: failure(&error) },
    };
    reporter.tell(event).await;
}
