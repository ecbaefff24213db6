//! What the only client of an image knows of it, against what the service says after a crash.

use glasshouse_tests::http::{Answer, Api, Call};
use serde_json::{Value, json};

/// How far a request got, as its client knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    Asked,
    Answered,
}

#[derive(Debug)]
pub struct Known {
    pub id: String,
    pub data: Vec<u8>,
    /// All of the data.
    pub upload: Option<Said>,
    pub pieces: Option<Pieces>,
    /// Value of the property `mark`: what was answered last, and what was asked for since.
    pub mark: Option<u32>,
    pub asked_mark: Option<u32>,
    pub delete: Option<Said>,
}

/// An upload in pieces, up to the last of them.
#[derive(Debug)]
pub struct Pieces {
    pub begun: Said,
    /// So much was acknowledged.
    pub durable_bytes: usize,
}

/// What the service says of an image after a crash: `None` when it is gone.
pub type Found = Option<Value>;

impl Known {
    pub fn new(id: String, data: Vec<u8>) -> Self {
        Self { id, data, upload: None, pieces: None, mark: None, asked_mark: None, delete: None }
    }

    pub fn path(&self) -> String {
        format!("/v2/images/{}", self.id)
    }

    /// Everything that was answered is so; what was only asked for is done whole or not at all. An upload in pieces goes
    /// on, and comes to its end.
    pub fn verify(&self, api: &Api) -> Found {
        let answer = api.get(&self.path());
        if answer.status == 404 {
            assert!(self.delete.is_some(), "lost: {self}");
            return None;
        }
        let mut image = answer.expect(200).json();
        assert_ne!(self.delete, Some(Said::Answered), "it came back: {self}");
        self.verify_mark(&image);
        if image["status"] == "saving" {
            self.go_on(api);
            image = api.get(&self.path()).expect(200).json();
            assert_eq!(image["status"], "active", "{self}");
        }
        match image["status"].as_str() {
            Some("queued") => self.verify_empty(api, &image),
            Some("active") => self.verify_data(api, &image),
            other => panic!("status {other:?}: {self}"),
        }
        Some(image)
    }

    fn verify_empty(&self, api: &Api, image: &Value) {
        assert_ne!(self.upload, Some(Said::Answered), "its data is lost: {self}");
        let is_begun = self.pieces.as_ref().is_some_and(|pieces| pieces.begun == Said::Answered);
        assert!(!is_begun, "its pieces are lost: {self}");
        assert_eq!((&image["size"], &image["checksum"]), (&Value::Null, &Value::Null), "{self}");
        api.get(&format!("{}/file", self.path())).expect(204);
    }

    fn verify_data(&self, api: &Api, image: &Value) {
        assert!(self.upload.is_some() || self.pieces.is_some(), "nobody sent it data: {self}");
        let stored = api.get(&format!("{}/file", self.path())).expect(200);
        assert!(stored.body == self.data, "its data changed: {self}");
        assert_eq!(image["size"], json!(self.data.len()), "{self}");
    }

    fn verify_mark(&self, image: &Value) {
        let text = |mark: Option<u32>| mark.map_or(Value::Null, |mark| json!(mark.to_string()));
        let is_new = self.asked_mark.is_some() && image["mark"] == text(self.asked_mark);
        assert!(is_new || image["mark"] == text(self.mark), "mark {}: {self}", image["mark"]);
    }

    /// Sends what the service does not have yet.
    fn go_on(&self, api: &Api) {
        let pieces = self.pieces.as_ref().unwrap_or_else(|| panic!("an upload is stuck: {self}"));
        assert_ne!(self.upload, Some(Said::Answered), "what was complete is not: {self}");
        let open = api.get(&format!("{}/uploads", self.path())).expect(200).json();
        let id = open["uploads"][0]["id"].as_str().unwrap_or_else(|| panic!("no upload: {open}, {self}"));
        let upload = format!("{}/uploads/{id}", self.path());
        let offset = offset_of(&api.call("HEAD", &upload).send().expect(204));
        let sent = pieces.durable_bytes..=self.data.len();
        assert!(sent.contains(&offset), "{offset} of {sent:?} bytes: {self}");
        piece(api, &upload, offset, true).bytes(&self.data[offset..]).send().expect(204);
    }
}

/// The head of a piece.
pub fn piece(api: &Api, upload: &str, offset: usize, is_last: bool) -> Call {
    api.call("PATCH", upload)
        .header("content-type", "application/partial-upload")
        .header("upload-offset", &offset.to_string())
        .header("upload-complete", if is_last { "?1" } else { "?0" })
}

fn offset_of(answer: &Answer) -> usize {
    answer.header("upload-offset").expect("an offset").parse().expect("a number")
}

impl std::fmt::Display for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, data, upload, pieces, mark, asked_mark, delete } = self;
        write!(
            f,
            "image {id} of {} bytes, upload {upload:?}, {pieces:?}, mark {mark:?}, asked for {asked_mark:?}, \
             delete {delete:?}",
            data.len()
        )
    }
}
