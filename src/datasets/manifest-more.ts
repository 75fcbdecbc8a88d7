// Files of the larger and the heterogeneous graphs: length and sha256 of the published bytes, and where they are.
import type { FileSource } from "./manifest.ts";

/** What most of these have in common is a copy on GitHub, pinned to a commit where one is known. */
export const MORE_SOURCES: Readonly<Record<string, FileSource>> = {
  "ogbn-arxiv/graphsaint":
    "https://github.com/DEEP-PolyU/NetBenchmark/raw/eb6d7273dd85dfac76e3fb19aafff707ae35fe54/data/ogbn-arxiv/",
  "ogbn-arxiv/raw":
    "https://github.com/mims-harvard/GNNGuard/raw/88ab8ff58f769d33172626d45050264eb3737b11/Datasets/ogbn_arxiv/raw/",
  flickr:
    "https://github.com/houlinlinvictoria/SARW/raw/29bbb84ce0539fc78f4dc281c47d7148efe9e845/data/flickr/",
  "heco-acm":
    "https://github.com/liun-online/HeCo/raw/b90100c4ef66370a1b67efdb59ec321a70edd436/data/acm/",
  // In GIN's own repository, all are one archive.
  tu: "https://github.com/yeweiysh/IHGNN/raw/dcb2c23cdc06f3ed8cc1dd0f0dced9ddd9156bad/data/",
  // MUSAE keeps each kind of file in a folder of its own.
  "musae-facebook": (file) => {
    const kind = /_(edges|target)\.csv$/.exec(file)?.[1] ?? "features";
    return `https://github.com/benedekrozemberczki/MUSAE/raw/master/input/${kind}/`;
  },
};

/** Length in bytes and sha256 of each file. */
export const MORE_FILES: Readonly<Record<string, readonly [bytes: number, sha256: string]>> = {
  "flickr/adj_full.npz": [
    2407852,
    "6740dc59750ef52a8fa18f73fc495332fa6f0ece8576c1db7196539b9adaca5f",
  ],
  "flickr/class_map.json": [
    1059890,
    "2d61641459b53870e279be2e141363a5bf8b5e11e6b7aace32553734422fe4f3",
  ],
  "flickr/role.json": [613664, "0435cfbd69918fa1f8ec30a6fc2494a32e46734d56c9a796c5ecc1288a88a6b3"],
  "ogbn-arxiv/graphsaint/adj_full.npz": [
    3119297,
    "920dae5bad3f63b07f5b8883493b298f026778d7358c14b955985bacbbd13771",
  ],
  "ogbn-arxiv/graphsaint/class_map.json": [
    2229442,
    "7db3b1c89beeaa51c10d43b5888b60fb8b23a73ced4ca6df0a413240a3820b77",
  ],
  "ogbn-arxiv/graphsaint/role.json": [
    1243658,
    "ef30aec176315e5dd6b5f4bdc2a40741542723c55348b9141a70aeed2c00babb",
  ],
  "ogbn-arxiv/raw/node_year.csv.gz": [
    73612,
    "fb97e19d6003deb09197f6df6b10ea1ab86ee49d98885836c3c857ab58d897f3",
  ],
  "musae-facebook/facebook.json": [
    2088766,
    "ea870537646a93642a0008d38aa9bfeff02018070ba97b1f3f469d9622626436",
  ],
  "musae-facebook/facebook_edges.csv": [
    1882610,
    "7c50d8f02a75cc0829577814a1fc14535164daa38d79c3612340c9e9cdbd4022",
  ],
  "musae-facebook/facebook_target.csv": [
    1177912,
    "7bd96eafea3c2ca40f44bfa9e73642194696c21e38c7b29ed409c32ad14075cd",
  ],
  "heco-acm/labels.npy": [
    32280,
    "019284b3e6a58fc8ebd432fb99aaaf183ad41dbf56b8ca7af0b56dca9dd844b5",
  ],
  "heco-acm/p_feat.npz": [
    495879,
    "9e1019dfceaaabb19ee5b5f09de3147ffbaa818b43c3fc3f92bdfaf4ed5f02f4",
  ],
  "heco-acm/a_feat.npz": [
    1961252,
    "e2f2ac8d357310149fc7badbf32ea0b171dec25aad6c37ec45de592666c65555",
  ],
  "heco-acm/pa.txt": [128122, "e67385fc13c3b3b624d81de7eb6e4245d9aeafa063c5466c6fab0f151bcb84d6"],
  "heco-acm/ps.txt": [30181, "3da7615ef5567c5f7f1ab9ec770c4b4b8b6a54790baa1cda3d4499329dfc22d5"],
  "heco-acm/train_20.npy": [
    608,
    "6bf4c1cef638f3ffe1826091b9be7fbff23a4935dfbde03c24b492d264d67684",
  ],
  "heco-acm/val_20.npy": [8128, "4280dccb661a50196502a39973a462919399fcfcd97b1d43581dfa9ca02d1b5d"],
  "heco-acm/test_20.npy": [
    8128,
    "eb90e38c882009c6439d749d160d39ed64f8813e9f672c02be54993914934afa",
  ],
  "heco-acm/train_40.npy": [
    1088,
    "98239282e69e9775a9b13bc54598cc780eca31dcaeb81963efbbd4c6c3e51435",
  ],
  "heco-acm/val_40.npy": [8128, "19fb1e72b76bc24da95423d1a83583a42fe5b62d69b2b197312f630ff5096202"],
  "heco-acm/test_40.npy": [
    8128,
    "f73d7e23459dd654a7567ee8bf123849f400096f8fac558dc37033d3fdc11aa6",
  ],
  "heco-acm/train_60.npy": [
    1568,
    "5b86f56415b84d1faa8c8f864cd37272589ec4ffff1b0ca347d4c39ee38dcc02",
  ],
  "heco-acm/val_60.npy": [8128, "e234b6c1e19445ed6cc3694a273b943bbded8e847a9d0246f18d59f76fb8cd5d"],
  "heco-acm/test_60.npy": [
    8128,
    "5181ccdeacc54b88ed53681ba9f2c789cc6d67a499f40a68ac6827a96932b976",
  ],
  "tu/MUTAG.zip": [12363, "545905a7f0782cba6d3f96cb40af67c90e54f26932341999103e1eb94bbbee52"],
  "tu/PROTEINS.zip": [217194, "d28f022559a1fe3f3c0cfd49c96a68a8cb8a1d1e31d5506fb7d93e438eab6f52"],
  "tu/IMDBBINARY.zip": [107488, "0424af4414007a76bd0d7d9f8e7ba845f595745d142894cf42b505b30f5ff7d8"],
  "tu/REDDIT-BINARY.zip": [
    3288201,
    "c45536bdd84db7a4913fd6a45ae7616a12a02bf1f444a4effbce903524d62121",
  ],
  "tu/COLLAB.zip": [4164412, "9ecf84c958ac765b9e0f878f4bd002fec20926e0c3d037cb753ab251f59b41f3"],
};
