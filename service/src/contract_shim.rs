//! What other rooms provide, as far as this one calls it. Deleted at merge.

pub mod lab {
    use std::net::SocketAddr;
    use std::path::PathBuf;

    #[derive(Debug, Clone)]
    pub struct LabOptions {
        pub data_dir: PathBuf,
        pub listen: SocketAddr,
    }
}

pub mod service {
    use std::net::SocketAddr;

    use super::lab::LabOptions;
    use crate::config::Config;

    #[derive(Debug, thiserror::Error)]
    pub enum StartError {
        #[error("cannot listen on {address}: {source}")]
        Listen { address: String, source: std::io::Error },
        #[error("{0}")]
        Other(String),
    }

    pub struct Service;

    impl Service {
        pub async fn start(_: Config) -> Result<Self, StartError> {
            std::future::ready(Err(StartError::Other("not built in".to_owned()))).await
        }

        pub async fn start_lab(options: LabOptions) -> Result<Self, StartError> {
            let address = options.listen.to_string();
            std::future::ready(Err(StartError::Listen {
                address,
                source: std::io::ErrorKind::AddrInUse.into(),
            }))
            .await
        }

        pub fn address(&self) -> SocketAddr {
            SocketAddr::from(([127, 0, 0, 1], 0))
        }

        pub async fn stop(self) {
            std::future::ready(()).await;
        }
    }
}
