//! One of the clients that are at work when the service is killed.

use fastrand::Rng;
use glasshouse_tests::http::{Answer, Api, Broken, Call};
use serde_json::json;

use super::known::{Known, Pieces, Said, piece};

const DATA_BYTES_MAX: usize = 3 << 20;
const PIECES_MAX: usize = 4;

/// Takes what became of a request, and the status that it must have; the answer, unless the service died over it.
pub type Note<'a> = dyn Fn(Result<Answer, Broken>, u16) -> Option<Answer> + Sync + 'a;

pub struct Client<'a> {
    pub api: Api,
    pub rng: Rng,
    pub note: &'a Note<'a>,
    pub known: Vec<Known>,
}

impl Client<'_> {
    /// One thing that clients do; `None` when the service died over it.
    pub fn step(&mut self) -> Option<()> {
        let mut living: Vec<_> =
            (0..self.known.len()).filter(|at| self.known[*at].delete.is_none()).collect();
        self.rng.shuffle(&mut living);
        match (living.first(), self.rng.u8(..10)) {
            (Some(at), 0..=2) => self.patch(*at),
            (Some(at), 3..=4) => self.delete(*at),
            (_, 5..=7) => self.upload_in_pieces(),
            _ => self.upload(),
        }
    }

    fn noted(&self, call: Call, status: u16) -> Option<Answer> {
        (self.note)(call.try_send(), status)
    }

    /// A new image, and what its data will be.
    fn create(&mut self) -> Option<&mut Known> {
        let body = json!({"disk_format": "raw", "container_format": "bare"});
        let made = self.noted(self.api.call("POST", "/v2/images").json(&body), 201)?;
        let id = made.json()["id"].as_str().expect("an id").to_owned();
        let data = data(&mut self.rng);
        self.known.push(Known::new(id, data));
        self.known.last_mut()
    }

    fn upload(&mut self) -> Option<()> {
        let image = self.create()?;
        image.upload = Some(Said::Asked);
        let (path, data) = (image.path(), image.data.clone());
        let call = self.api.call("PUT", &format!("{path}/file"));
        self.noted(call.header("content-type", "application/octet-stream").bytes(data), 204)?;
        self.last().upload = Some(Said::Answered);
        Some(())
    }

    fn upload_in_pieces(&mut self) -> Option<()> {
        let image = self.create()?;
        image.pieces = Some(Pieces { begun: Said::Asked, durable_bytes: 0 });
        let (path, data) = (image.path(), image.data.clone());
        let begin = self.api.call("POST", &format!("{path}/uploads")).header("upload-complete", "?0");
        let begun = self.noted(begin, 201)?;
        let address = begun.header("location").expect("an address");
        let upload = address.strip_prefix(self.api.base()).expect("of the same service").to_owned();
        self.last().pieces = Some(Pieces { begun: Said::Answered, durable_bytes: 0 });
        let mut ends: Vec<_> =
            (0..self.rng.usize(..PIECES_MAX)).map(|_| self.rng.usize(..=data.len())).collect();
        ends.sort_unstable();
        let mut offset = 0;
        for end in ends {
            self.noted(piece(&self.api, &upload, offset, false).bytes(&data[offset..end]), 204)?;
            self.last().pieces = Some(Pieces { begun: Said::Answered, durable_bytes: end });
            offset = end;
        }
        self.last().upload = Some(Said::Asked);
        self.noted(piece(&self.api, &upload, offset, true).bytes(&data[offset..]), 204)?;
        self.last().upload = Some(Said::Answered);
        Some(())
    }

    /// The image that was created last.
    fn last(&mut self) -> &mut Known {
        self.known.last_mut().expect("an image")
    }

    fn patch(&mut self, at: usize) -> Option<()> {
        let mark = self.rng.u32(..);
        self.known[at].asked_mark = Some(mark);
        let operation = json!([{"op": "add", "path": "/mark", "value": mark.to_string()}]);
        let call = self.api.call("PATCH", &self.known[at].path());
        let call = call.header("content-type", "application/openstack-images-v2.1-json-patch");
        self.noted(call.bytes(operation.to_string()), 200)?;
        self.known[at].mark = Some(mark);
        Some(())
    }

    fn delete(&mut self, at: usize) -> Option<()> {
        self.known[at].delete = Some(Said::Asked);
        self.noted(self.api.call("DELETE", &self.known[at].path()), 204)?;
        self.known[at].delete = Some(Said::Answered);
        Some(())
    }
}

/// Noise with a hole in it, as in a disk; never by chance what begins a format or ends a boot sector.
fn data(rng: &mut Rng) -> Vec<u8> {
    let mut data = vec![0; rng.usize(..DATA_BYTES_MAX)];
    let hole = rng.usize(..=data.len());
    rng.fill(&mut data[hole..]);
    let hole = rng.usize(..=hole);
    rng.fill(&mut data[..hole]);
    for at in [0, 510] {
        if let Some(byte) = data.get_mut(at) {
            *byte = 0;
        }
    }
    data
}
