//! The catalog of the lab: image and identity, at the address at which the client found us.

use glasshouse_shared::identity::{Catalog, CatalogService, Endpoint};

use super::Inner;
use crate::lab::directory::{REGION, Service};

const INTERFACES: [&str; 3] = ["public", "internal", "admin"];

impl Inner {
    pub fn catalog(&self, base_url: &str) -> Catalog {
        Catalog(vec![
            service(&self.directory.image_service, ("image", "glance"), base_url),
            service(
                &self.directory.identity_service,
                ("identity", "keystone"),
                &format!("{base_url}/identity"),
            ),
        ])
    }
}

fn service(known: &Service, (service_type, name): (&str, &str), url: &str) -> CatalogService {
    let endpoint = |(id, interface): (&String, &str)| Endpoint {
        id: id.clone(),
        interface: interface.to_owned(),
        region: Some(REGION.to_owned()),
        region_id: Some(REGION.to_owned()),
        url: url.to_owned(),
    };
    CatalogService {
        id: known.id.clone(),
        service_type: service_type.to_owned(),
        name: name.to_owned(),
        endpoints: known.endpoint_ids.iter().zip(INTERFACES).map(endpoint).collect(),
    }
}
