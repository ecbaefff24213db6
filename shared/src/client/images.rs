//! The calls on images: records, tags, states. Their data is `upload` and `download`.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use url::Url;

use super::auth::beneath;
use super::call::Call;
use super::{Client, ClientError, ErrorKind};
use crate::image::{Image, Visibility};
use crate::patch::{self, PatchOp};

/// What must not stand unescaped in one segment of a path.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// In the order of the service.
    pub images: Vec<Image>,
    /// Link to the next page, for [`Client::next_images`]. The last page may have one that leads to an empty page.
    pub next: Option<String>,
}

/// What a new image is to be. Left out is what the service should decide.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct NewImage {
    /// At most 255 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A UUID of one's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `qcow2`, `raw`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_format: Option<String>,
    /// `bare`, `ovf`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_format: Option<String>,
    /// Who may see it.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "visibility")]
    pub visibility: Option<Visibility>,
    /// Cannot be deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protected: Option<bool>,
    /// Left out of lists.
    #[serde(skip_serializing_if = "Option::is_none", rename = "os_hidden")]
    pub hidden: Option<bool>,
    /// Smallest disk in GB.
    #[serde(skip_serializing_if = "Option::is_none", rename = "min_disk")]
    pub min_disk_gb: Option<u32>,
    /// Smallest memory in MB.
    #[serde(skip_serializing_if = "Option::is_none", rename = "min_ram")]
    pub min_ram_mb: Option<u32>,
    /// Tags.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// Custom properties, beside the attributes on the wire.
    #[serde(flatten)]
    pub properties: BTreeMap<String, String>,
}

#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn visibility<S: serde::Serializer>(value: &Option<Visibility>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(visibility) => serializer.serialize_str(visibility.as_str()),
        None => serializer.serialize_none(),
    }
}

/// The ways in which the service takes data besides an upload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportMethods {
    /// `glance-direct`, `web-download`, `copy-image`, …; empty when importing is off.
    pub methods: Vec<String>,
}

#[derive(Deserialize)]
struct PageDocument {
    images: Vec<Image>,
    next: Option<String>,
}

impl Client {
    /// The first page of the images that match. Keys may repeat (`tag`).
    pub async fn list_images(&self, query: &[(&str, String)]) -> Result<Page, ClientError> {
        let mut url = self.address(&["images"]);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.page(url).await
    }

    /// The page that [`Page::next`] names.
    pub async fn next_images(&self, next: &str) -> Result<Page, ClientError> {
        let url = self.linked(next).ok_or_else(|| {
            let message = format!("the service's link {next:?} is not below its own address");
            ClientError::new(ErrorKind::Rejected, "list images", message)
        })?;
        self.page(url).await
    }

    async fn page(&self, url: Url) -> Result<Page, ClientError> {
        let call = Call::new(Method::GET, url, "list images");
        let document: PageDocument = self.fetch(&call).await?;
        Ok(Page { images: document.images, next: document.next })
    }

    /// One image.
    pub async fn show_image(&self, id: &str) -> Result<Image, ClientError> {
        let call = Call::new(Method::GET, self.address(&["images", id]), format!("show image {id}"));
        self.fetch(&call).await
    }

    /// A new image without data.
    pub async fn create_image(&self, image: &NewImage) -> Result<Image, ClientError> {
        let name = image.name.as_deref().unwrap_or("without a name");
        let call = Call::new(Method::POST, self.address(&["images"]), format!("create image {name}"));
        self.fetch(&call.json(image)?).await
    }

    /// Changes an image, all operations or none.
    pub async fn update_image(&self, id: &str, changes: &[PatchOp]) -> Result<Image, ClientError> {
        let call = Call::new(Method::PATCH, self.address(&["images", id]), format!("update image {id}"));
        self.fetch(&call.typed(patch::MEDIA_TYPE, &changes)?).await
    }

    /// Deletes an image and its data.
    pub async fn delete_image(&self, id: &str) -> Result<(), ClientError> {
        self.tell(Method::DELETE, &["images", id], format!("delete image {id}")).await
    }

    /// Adds a tag; one that is there already is no error.
    pub async fn add_tag(&self, id: &str, tag: &str) -> Result<(), ClientError> {
        self.tell(Method::PUT, &["images", id, "tags", tag], format!("tag image {id} with {tag}")).await
    }

    /// Takes a tag away.
    pub async fn remove_tag(&self, id: &str, tag: &str) -> Result<(), ClientError> {
        self.tell(Method::DELETE, &["images", id, "tags", tag], format!("take tag {tag} off image {id}"))
            .await
    }

    /// Keeps everybody but administrators from the data.
    pub async fn deactivate_image(&self, id: &str) -> Result<(), ClientError> {
        let attempted = format!("deactivate image {id}");
        self.tell(Method::POST, &["images", id, "actions", "deactivate"], attempted).await
    }

    /// Gives the data back to everybody who may see the image.
    pub async fn reactivate_image(&self, id: &str) -> Result<(), ClientError> {
        let attempted = format!("reactivate image {id}");
        self.tell(Method::POST, &["images", id, "actions", "reactivate"], attempted).await
    }

    /// The import methods of the service.
    pub async fn import_methods(&self) -> Result<ImportMethods, ClientError> {
        #[derive(Deserialize)]
        struct Methods {
            value: Vec<String>,
        }
        #[derive(Deserialize)]
        struct Document {
            #[serde(rename = "import-methods")]
            methods: Methods,
        }
        let call = Call::new(Method::GET, self.address(&["info", "import"]), "ask for the import methods");
        let document: Document = self.fetch(&call).await?;
        Ok(ImportMethods { methods: document.methods.value })
    }

    /// A call whose answer has no document.
    pub(super) async fn tell(
        &self,
        method: Method,
        path: &[&str],
        attempted: String,
    ) -> Result<(), ClientError> {
        self.ask(&Call::new(method, self.address(path), attempted)).await.map(|_| ())
    }

    /// The address of something below the endpoint; segments are escaped.
    pub(super) fn address(&self, segments: &[&str]) -> Url {
        let escaped: Vec<String> =
            segments.iter().map(|segment| utf8_percent_encode(segment, SEGMENT).to_string()).collect();
        beneath(self.endpoint(), &escaped.join("/"))
    }

    /// Links of the service begin with `/v2/` whatever prefix it is reached under; some have host or prefix as
    /// well. What counts comes behind the version.
    fn linked(&self, link: &str) -> Option<Url> {
        let (_, rest) = link.split_once("/v2/")?;
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        let mut url = beneath(self.endpoint(), path);
        url.set_query(query);
        url.path().starts_with(self.endpoint().path()).then_some(url)
    }
}
