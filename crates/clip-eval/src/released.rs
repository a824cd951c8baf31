use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

/// No archive of OpenAI's is as large as this.
const MAX_ARCHIVE: u64 = 2_000_000_000;

/// How many bytes are hashed at once.
const CHUNK: usize = 1 << 18;

/// One of the models that OpenAI released.
struct Released {
    /// Its name in open_clip.
    name: &'static str,
    /// Its id on the Hugging Face hub, if OpenAI put it there itself.
    openai: Option<&'static str>,
    /// Its id on the Hugging Face hub in open_clip's format.
    timm: &'static str,
    /// SHA-256 of OpenAI's own archive, from its address.
    sha256: &'static str,
}

const RELEASED: [Released; 9] = [
    Released {
        name: "RN50",
        openai: None,
        timm: "timm/resnet50_clip.openai",
        sha256: "afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762",
    },
    Released {
        name: "RN101",
        openai: None,
        timm: "timm/resnet101_clip.openai",
        sha256: "8fa8567bab74a42d41c5915025a8e4538c3bdbe8804a470a72f30b0d94fab599",
    },
    Released {
        name: "RN50x4",
        openai: None,
        timm: "timm/resnet50x4_clip.openai",
        sha256: "7e526bd135e493cef0776de27d5f42653e6b4c8bf9e0f653bb11773263205fdd",
    },
    Released {
        name: "RN50x16",
        openai: None,
        timm: "timm/resnet50x16_clip.openai",
        sha256: "52378b407f34354e150460fe41077663dd5b39c54cd0bfd2b27167a4a06ec9aa",
    },
    Released {
        name: "RN50x64",
        openai: None,
        timm: "timm/resnet50x64_clip.openai",
        sha256: "be1cfb55d75a9666199fb2206c106743da0f6468c9d327f3e0d0a543a9919d9c",
    },
    Released {
        name: "ViT-B-32",
        openai: Some("openai/clip-vit-base-patch32"),
        timm: "timm/vit_base_patch32_clip_224.openai",
        sha256: "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af",
    },
    Released {
        name: "ViT-B-16",
        openai: Some("openai/clip-vit-base-patch16"),
        timm: "timm/vit_base_patch16_clip_224.openai",
        sha256: "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f",
    },
    Released {
        name: "ViT-L-14",
        openai: Some("openai/clip-vit-large-patch14"),
        timm: "timm/vit_large_patch14_clip_224.openai",
        sha256: "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836",
    },
    Released {
        name: "ViT-L-14-336",
        openai: Some("openai/clip-vit-large-patch14-336"),
        timm: "timm/vit_large_patch14_clip_336.openai",
        sha256: "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02",
    },
];

/// open_clip's name of the OpenAI model with this id on the Hugging Face hub.
///
/// As elsewhere, `hf-hub:` may stand before the id and `@revision` after it.
pub fn released_id(id: &str) -> Option<&'static str> {
    let id = id.strip_prefix("hf-hub:").unwrap_or(id);
    let (id, _) = id.split_once('@').unwrap_or((id, ""));
    let is_it = |released: &&Released| released.timm == id || released.openai == Some(id);
    RELEASED.iter().find(is_it).map(|released| released.name)
}

/// open_clip's name of the OpenAI model whose original archive this file is.
///
/// Only a `.pt` file of a fitting size is read; that takes seconds.
///
/// # Errors
///
/// When the file can't be read.
pub fn released_archive(path: &Path) -> io::Result<Option<&'static str>> {
    let is_pt = path.extension().is_some_and(|extension| extension == "pt");
    if !is_pt || path.metadata()?.len() >= MAX_ARCHIVE {
        return Ok(None);
    }
    let sha256 = sha256(path)?;
    let released = RELEASED.iter().find(|released| released.sha256 == sha256);
    Ok(released.map(|released| released.name))
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let (mut hash, mut chunk) = (Sha256::new(), vec![0; CHUNK]);
    loop {
        let count = file.read(&mut chunk)?;
        if count == 0 {
            return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hash.update(&chunk[..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn released_models_are_known_by_their_ids() {
        for (id, name) in [
            ("openai/clip-vit-base-patch32", Some("ViT-B-32")),
            ("openai/clip-vit-large-patch14@main", Some("ViT-L-14")),
            ("hf-hub:timm/vit_large_patch14_clip_336.openai@abc", Some("ViT-L-14-336")),
            ("timm/resnet50x4_clip.openai", Some("RN50x4")),
            ("timm/vit_base_patch32_clip_224.laion2b_e16", None),
            ("runs/pretrain-1/export", None),
        ] {
            assert_eq!(released_id(id), name, "{id}");
        }
    }

    #[test]
    fn other_files_are_no_released_archive() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["model.pt", "model.safetensors"] {
            let path = folder.path().join(name);
            std::fs::write(&path, "abc").unwrap();
            assert_eq!(released_archive(&path).unwrap(), None);
        }
        released_archive(&folder.path().join("missing.pt")).unwrap_err();
    }

    /// As `sha256sum` has it.
    #[test]
    fn files_are_hashed_with_sha256() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abc").unwrap();
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(file.path()).unwrap(), expected);
    }

    #[test]
    fn every_digest_is_one() {
        for released in &RELEASED {
            assert_eq!(released.sha256.len(), 64, "{}", released.name);
            assert!(released.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
    }
}
