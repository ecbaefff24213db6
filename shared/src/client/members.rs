//! The projects that an image is shared with.

use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::call::Call;
use super::{Client, ClientError};

/// A project that an image is shared with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// The image.
    pub image_id: String,
    /// The project.
    pub member_id: String,
    /// What the project says to it.
    pub status: MemberStatus,
    /// When it was shared.
    pub created_at: Timestamp,
    /// When the status last changed.
    pub updated_at: Timestamp,
}

/// What a project says to an image that is shared with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberStatus {
    /// Nothing yet.
    Pending,
    /// The image is in its lists.
    Accepted,
    /// The image is not in its lists.
    Rejected,
}

impl MemberStatus {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }
}

impl Client {
    /// The members of an image.
    pub async fn list_members(&self, image_id: &str) -> Result<Vec<Member>, ClientError> {
        #[derive(Deserialize)]
        struct Document {
            members: Vec<Member>,
        }
        let url = self.address(&["images", image_id, "members"]);
        let call = Call::new(Method::GET, url, format!("list the members of image {image_id}"));
        Ok(self.fetch::<Document>(&call).await?.members)
    }

    /// Shares an image with a project.
    pub async fn add_member(&self, image_id: &str, project_id: &str) -> Result<Member, ClientError> {
        let url = self.address(&["images", image_id, "members"]);
        let attempted = format!("share image {image_id} with project {project_id}");
        let call = Call::new(Method::POST, url, attempted).json(&json!({"member": project_id}))?;
        self.fetch(&call).await
    }

    /// Accepts or rejects a shared image, as the project that it is shared with.
    pub async fn answer_share(
        &self,
        image_id: &str,
        project_id: &str,
        status: MemberStatus,
    ) -> Result<Member, ClientError> {
        let url = self.address(&["images", image_id, "members", project_id]);
        let attempted = format!("set the share of image {image_id} to {}", status.as_str());
        let call = Call::new(Method::PUT, url, attempted).json(&json!({"status": status.as_str()}))?;
        self.fetch(&call).await
    }

    /// Shares an image with a project no longer.
    pub async fn remove_member(&self, image_id: &str, project_id: &str) -> Result<(), ClientError> {
        let attempted = format!("stop sharing image {image_id} with project {project_id}");
        self.tell(Method::DELETE, &["images", image_id, "members", project_id], attempted).await
    }
}
