// All datasets' files: length and sha256 of the published bytes, and where they are published.
import path from "node:path";

/** A published file. */
export interface PublishedFile {
  readonly bytes: number;
  readonly sha256: string;
  readonly url: string;
  /** Whether the address is of an archive that holds the file, which is unpacked by hand. */
  readonly archive?: true;
}

/** The official address of each folder; files keep their names. */
const SOURCES: Readonly<Record<string, string>> = {
  planetoid: "https://github.com/kimiyoung/planetoid/raw/master/data/",
  "geom-gcn-splits": "https://raw.githubusercontent.com/graphdml-uiuc-jlu/geom-gcn/master/splits/",
  "gnn-benchmark": "https://github.com/shchur/gnn-benchmark/raw/master/data/npz/",
  "heco-acm":
    "https://github.com/liun-online/HeCo/raw/20e8ca2042838877b2c815279920218b6bbea1db/data/acm/",
  // This is a copy, because the original (www.cs.cmu.edu/~zhiliny/data/nell_data.tar.gz) is one archive.
  nell:
    "https://github.com/ki-ljl/GNNs-for-Node-Classification/raw/" +
    "11fd7ba4d4f8230520d64342f75f9c42ba860d50/data/NELL/raw/",
};

/** The official archive of each folder whose files have no address of their own, as DGL and PyG fetch it. */
const ARCHIVES: Readonly<Record<string, string>> = {
  aifb: "https://data.dgl.ai/dataset/aifb.tgz",
  "rdf-mutag": "https://data.dgl.ai/dataset/mutag.tgz",
};

/**
 * @param file a registered dataset's file, relative to a data folder, e.g. `planetoid/ind.cora.x`.
 */
export function publishedFile(file: string): PublishedFile {
  const entry = FILES[file];
  const folder = path.posix.dirname(file);
  const [source, archive] = [SOURCES[folder], ARCHIVES[folder]];
  if (!entry || !(source || archive)) throw new Error(`${file} is not in the manifest`);
  const [bytes, sha256] = entry;
  if (!source) return { bytes, sha256, url: archive!, archive: true };
  return { bytes, sha256, url: source + path.posix.basename(file) };
}

/** Length in bytes and sha256 of each file. */
const FILES: Readonly<Record<string, readonly [bytes: number, sha256: string]>> = {
  "planetoid/ind.cora.x": [
    22119,
    "23cfa55d91c6f624233f5eb7b6e3f141f1bd2b2ae39608a63cf5d084bb27baab",
  ],
  "planetoid/ind.cora.y": [
    4054,
    "94465c14eb53e04ca262198dcbb2521ee8af60fb3f3d546cd6ca24a511b0e7d1",
  ],
  "planetoid/ind.cora.tx": [
    148025,
    "b9afbaa4a400df991f6f02ef677e1e44da55ffc04801fd02f9e673987829226a",
  ],
  "planetoid/ind.cora.ty": [
    28135,
    "41f5ac76596a1699cc33f53084a2419e92961c42bb75f36fc38e616d348532ad",
  ],
  "planetoid/ind.cora.allx": [
    257305,
    "9419ba2f26f5c35243db64aba110e0f35a04851609e0dc5433450676ca6b8543",
  ],
  "planetoid/ind.cora.ally": [
    47959,
    "2b998f5cc7fedc86e7f97ca2498f47a1ffc1462c29e2d578b23bf3f62b6e7d71",
  ],
  "planetoid/ind.cora.graph": [
    59847,
    "58f13302f39dde8852dad6fe6d15b89b077b6d7f837626bce671ef80344b383d",
  ],
  "planetoid/ind.cora.test.index": [
    5000,
    "297ce89af2b51a6a194181c7dbe1796c6a1cf9cd9349a88383b1b1e227867875",
  ],
  "planetoid/ind.citeseer.x": [
    31087,
    "d20de19150741e555de0ed037195630fc194114ebc7fd72ced62810148aa22f6",
  ],
  "planetoid/ind.citeseer.y": [
    3014,
    "8ba87e515d8e3ee3cf52f6d2c5b86aa73f11ecad825a808455209ec26cd54924",
  ],
  "planetoid/ind.citeseer.tx": [
    260321,
    "539a8906a2da97628d212f2fdd668c109a8b3f0d36574b59e5d3fd5b5303da21",
  ],
  "planetoid/ind.citeseer.ty": [
    24135,
    "55e5bd1ba1e733a04598753ad1a8d57957f4b8f89e74519f41f4f4938767e4ce",
  ],
  "planetoid/ind.citeseer.allx": [
    595021,
    "2ac30345d95c9ec933a817ee0bdd6a5f077f8c184a20e696910192d534414668",
  ],
  "planetoid/ind.citeseer.ally": [
    55623,
    "f704b2d986dde6c2669934de1f3ae5696a6cf9455c0f6b2646a2d135ea0a1c95",
  ],
  "planetoid/ind.citeseer.graph": [
    61987,
    "d79a4ef9d3e7169aee8946145f6b7306e35bc79bffad26346cfb94e10e9912a7",
  ],
  "planetoid/ind.citeseer.test.index": [
    5000,
    "2af990671580b6b2df5d158d1038f8292e30c9cd821b5453f399659b25b723d4",
  ],
  "planetoid/ind.pubmed.x": [
    23172,
    "fbe9cb5c47200d1b7769a26e579be3b7130b556831f9d850e77c4c74f2599b33",
  ],
  "planetoid/ind.pubmed.y": [
    854,
    "e6c807633307a07ed659249006536a147c7999c797f11a2560752990181b41b3",
  ],
  "planetoid/ind.pubmed.tx": [
    405505,
    "4eb5f5d0f30f26497eb0ac6ac9719d09c67e284f1ed0385c93f3ef27a671da3d",
  ],
  "planetoid/ind.pubmed.ty": [
    12135,
    "ee2e0d4819d9fbcc403689c3bf2e49face401b605932f093bc58ab6461130fdd",
  ],
  "planetoid/ind.pubmed.allx": [
    7578385,
    "508e538e2abdccdd54c4d3e9f49d638b4af7107d85845f66ddea5a5152658b7e",
  ],
  "planetoid/ind.pubmed.ally": [
    224739,
    "0c37bbe3b5014ec365e9d393cf4791925e5ed94fb194305d74f064a8d7b50f0e",
  ],
  "planetoid/ind.pubmed.graph": [
    471808,
    "5b89f0036ca22909471f1e6558eb42fa06e0c730a577bde5b058b40638f81dc9",
  ],
  "planetoid/ind.pubmed.test.index": [
    6000,
    "b101d421688bbaecbd82e8a18f1e282378d6830f3a37666f28ebc47f844341b5",
  ],
  "geom-gcn-splits/cora_split_0.6_0.2_0.npz": [
    1989,
    "619931e6c3f0248bf9c7b6be24680a0a617bcfaba661cb0d7afaee8e18a74a51",
  ],
  "geom-gcn-splits/cora_split_0.6_0.2_1.npz": [
    1958,
    "d24be667034cb15a55bbf512dbae07b39c758eed66a9ba27106fa795422fe11c",
  ],
  "geom-gcn-splits/cora_split_0.6_0.2_2.npz": [
    1967,
    "811fb695c4c9ab0a53ab3a665bf4232652a08a6e38faac5b43a7da43a8454b74",
  ],
  "geom-gcn-splits/cora_split_0.6_0.2_3.npz": [
    1956,
    "9d9c19d88a689b76a4b97e8694ef8d20cb0f1b192bbd05a0d5649c91f0cb6ef4",
  ],
  "geom-gcn-splits/cora_split_0.6_0.2_4.npz": [
    1942,
    "3040b6bc0ddfff3757d55f514becf0b1b6b2e382114bfb0bc900dbcbb58fca17",
  ],
  "geom-gcn-splits/cora_split_0.6_0.2_5.npz": [
    2008,
    "52373862971060e366829930332acabaa90cc6f41019c52bf6c92e4c22f8f093",
  ],
  "geom-gcn-splits/cora_split_0.6_0.2_6.npz": [
    1944,
    "07847ea94e8b19970cf86731f19869aac0c56310d27f687d0feb9553d7525dd6",
  ],
  "geom-gcn-splits/cora_split_0.6_0.2_7.npz": [
    1962,
    "262573079c8b1f4bc043d32edd3d23a6c36f1d7258efe60c11a6197ba0eee560",
  ],
  "geom-gcn-splits/cora_split_0.6_0.2_8.npz": [
    1956,
    "d6c6a2163aeadd103ae386e800e473d2388da866f3f464199180d9b0e2f7d6cc",
  ],
  "geom-gcn-splits/cora_split_0.6_0.2_9.npz": [
    1948,
    "9d236d0cf723871d88dea567afe92d50c11d0ffba280349a5cc7f5f2ea42202f",
  ],
  "geom-gcn-splits/citeseer_split_0.6_0.2_0.npz": [
    2266,
    "31d483e4c9cbdd031c35e284fbda3935bfda6901b8618e4ef0381af5b9143582",
  ],
  "geom-gcn-splits/citeseer_split_0.6_0.2_1.npz": [
    2284,
    "1e02e3220676a90715b5a868b207dc19f49e5bc13ef1e8a8c8305fb46e028659",
  ],
  "geom-gcn-splits/citeseer_split_0.6_0.2_2.npz": [
    2261,
    "910ce9d1a9c12f2ce84486fa7d1953d560c2cf57f9e0c213a4ae362ca56bff77",
  ],
  "geom-gcn-splits/citeseer_split_0.6_0.2_3.npz": [
    2278,
    "e8c84d2e0099b3c0d692a68126c03370579f0cd83c0dab42b25a0fb3b94cb2c6",
  ],
  "geom-gcn-splits/citeseer_split_0.6_0.2_4.npz": [
    2122,
    "a45c9e6b4abe527499a1a1bf545063cdc910c82ef4676f1ef4e483bb77712c8e",
  ],
  "geom-gcn-splits/citeseer_split_0.6_0.2_5.npz": [
    2123,
    "fc0f6091daab2b0f37a3522dbc60052d9bce4209e7c06482f6beb61a4ed442b9",
  ],
  "geom-gcn-splits/citeseer_split_0.6_0.2_6.npz": [
    2260,
    "c99f610ff84bf5f5c3fe71b548c3cdf9c9bf02185d0152432b290877df1c4a3b",
  ],
  "geom-gcn-splits/citeseer_split_0.6_0.2_7.npz": [
    2269,
    "26bb7e5ea3aed014df5765af845fae70db9cdbb8875c46fc89cc4d6d042fb182",
  ],
  "geom-gcn-splits/citeseer_split_0.6_0.2_8.npz": [
    2261,
    "f8efadce7a3732ac39ec6625f591c9ed0b4222d95257f25f2a05ad5518e4a7eb",
  ],
  "geom-gcn-splits/citeseer_split_0.6_0.2_9.npz": [
    2278,
    "d9e586dad1886b3e1fdf3999140a192bb0cacea67c7849262ec862b8e7286cdf",
  ],
  "geom-gcn-splits/pubmed_split_0.6_0.2_0.npz": [
    9669,
    "a15825b5bf77ffd2e9179e354f455bb9a6f8c4886cb28796688a38d45d75bdc9",
  ],
  "geom-gcn-splits/pubmed_split_0.6_0.2_1.npz": [
    9664,
    "51f2349156410d851859ff4858ecd401d05d024f1a3936250dd8e844a6fd527b",
  ],
  "geom-gcn-splits/pubmed_split_0.6_0.2_2.npz": [
    9706,
    "d94a2a3d607f23d7dc88dabb966db7c7da187e0a2af3c848d88ab0c5452c4a2b",
  ],
  "geom-gcn-splits/pubmed_split_0.6_0.2_3.npz": [
    9653,
    "62c389ddac567fcd25654db846fc693973c69cddf083f5495d33b592a768515e",
  ],
  "geom-gcn-splits/pubmed_split_0.6_0.2_4.npz": [
    9705,
    "3b2bbeb2f4bbee257bb4c626c15c3e3dd0e9da6ed23bf16f6ac520b95e18f84d",
  ],
  "geom-gcn-splits/pubmed_split_0.6_0.2_5.npz": [
    9640,
    "23aea01576f71aa165cd70564fb53b3f158d1ff71c1227e062797870fe130551",
  ],
  "geom-gcn-splits/pubmed_split_0.6_0.2_6.npz": [
    9701,
    "9122bd4e8e42cab8d33e952693d18d0f49c5f11327b922baefb81228ee903c44",
  ],
  "geom-gcn-splits/pubmed_split_0.6_0.2_7.npz": [
    9710,
    "958706e960939c716a5204671c08399864600ce82094755b2e61975137ccfae9",
  ],
  "geom-gcn-splits/pubmed_split_0.6_0.2_8.npz": [
    9705,
    "764dd33802022d7ab2595f08f21b424e83007aceeb5f85c9403c74bf791f56f6",
  ],
  "geom-gcn-splits/pubmed_split_0.6_0.2_9.npz": [
    9704,
    "b9d4b4362fc02751c168f68f4120ab2fb516f4c84d447571653f1cd692946a66",
  ],
  "gnn-benchmark/amazon_electronics_photo.npz": [
    17113960,
    "bdb1feb8e6ff42ee44024b04479145029c563fd42fc31bff80af20887ba0439a",
  ],
  "gnn-benchmark/amazon_electronics_computers.npz": [
    31921488,
    "736ba1d9fd85eac2da83a5ad25c463f04b0031a6ca01563f90a7099d9e8ffb2c",
  ],
  "gnn-benchmark/ms_academic_cs.npz": [
    12835626,
    "933c745734e78908c7eb77172a673fee0503f30e26e5a99b36814d88534c42e3",
  ],
  "nell/ind.nell.0.001.x": [
    31104,
    "284de725538a6703f3b26ac8f252dc1c43a2fd0df46e78a618a2391a0c9ed63a",
  ],
  "nell/ind.nell.0.001.y": [
    88334,
    "88926c6959052cffd51f1d4218b11c35403c0c43f21a52489fbec4676a6a205e",
  ],
  "nell/ind.nell.0.001.tx": [
    295978,
    "93016916f57043f6402d9c15654328dbda143f8adcf2b1afd2638caff76808bf",
  ],
  "nell/ind.nell.0.001.ty": [
    814095,
    "07a2a8a95063e14b05592322362011993ce95e7ddb87c8246ebd57607768a5c5",
  ],
  "nell/ind.nell.0.001.allx": [
    2710725,
    "092de8541bfd3a6a9a5364ea73224e08c3b0605033c69dc926f26004a3e93681",
  ],
  "nell/ind.nell.0.001.graph": [
    2285719,
    "865faeed5d7037fb21122844ec09292b9c8b59710dcf2dc126cc13069a70365b",
  ],
  "nell/ind.nell.0.001.test.index": [
    5811,
    "c546df8c960fc961b75d9566a1431c16d9a064725effdcd70a615ec0a31fe907",
  ],
  "nell/ind.nell.0.001.ally": [
    7494615,
    "27de2d69a83b0f37272f1189acb209449e59224e6647c296d3b7e27c35d99b1c",
  ],
  "nell/ind.nell.0.01.x": [
    49256,
    "285b64425bcab7e370172f4593d80f5239f4dbbd2f84e4eed2f61572dd0c28e3",
  ],
  "nell/ind.nell.0.01.y": [
    135374,
    "a60cd8fa09bf28881f0ada3703fb6a8b12e819512de83899bbe398ed2341e145",
  ],
  "nell/ind.nell.0.01.tx": [
    299666,
    "25e0e56749480cf1366fb4ff3668a93414b8a03adf71be2cbebfa1a7f16f44fd",
  ],
  "nell/ind.nell.0.01.ty": [
    829215,
    "1a2118bd9e646c0ee5dcd4e7c46ea8b0727a0486b435e89187ca79a1f7055136",
  ],
  "nell/ind.nell.0.01.allx": [
    2707037,
    "4e2c93ed6a9f248fcec138fabefd2916ff693297267e3f858312e27aea5f8803",
  ],
  "nell/ind.nell.0.01.graph": [
    2285868,
    "063db7a768016a1a6e08a5312c1ed01212119acac13c6b3e07db56f93895617f",
  ],
  "nell/ind.nell.0.01.test.index": [
    5910,
    "d7d73cc342b2a01233540e92ee048aa2f9993b2ecd3f9c3cf031be8f363c7a0d",
  ],
  "nell/ind.nell.0.01.ally": [
    7479495,
    "99fe9de6903912df8fae40883ff7693ff7dd7d6f48475d776abd6c8f2d866214",
  ],
  "nell/ind.nell.0.1.x": [
    319678,
    "127e23d8192d47b59baeb15accb7194a6df2af0155c783fa631d234dba3d12c8",
  ],
  "nell/ind.nell.0.1.y": [
    885495,
    "8d817a9af3e4d7aff627c733588a0bd2414b6c1599713f0e4280225942007417",
  ],
  "nell/ind.nell.0.1.tx": [
    259454,
    "c83470933d18bf273f8b956ddaa854c830ecb56bc05a6b89b341ccf251ff9bf0",
  ],
  "nell/ind.nell.0.1.ty": [
    712455,
    "80795c6632af244521d52175d9352051c491e1e5597d009554f7775f9ed68e04",
  ],
  "nell/ind.nell.0.1.allx": [
    2747249,
    "3de26532dfa0abc1fd5219e820561568db7f4b082b54656fee174a486584e404",
  ],
  "nell/ind.nell.0.1.graph": [
    2285655,
    "ff8fa347ae594c60ef396c2758054d0602627f745ea5d70848da51d787df558d",
  ],
  "nell/ind.nell.0.1.test.index": [
    5082,
    "deaf5262ae65e99a8e65f884743a67b9d717951485c344303cb162b2b65dff1f",
  ],
  "nell/ind.nell.0.1.ally": [
    7596255,
    "cdb2cc1ce6e6a3f1b88322534223437facfc1e7014971907090c782f25436370",
  ],
  "aifb/aifb_stripped.nt.gz": [
    568040,
    "ba4191235456e09d8f12a2415f24273b8d7641ffee6001ca9340f02c04d77fea",
  ],
  "aifb/trainingSet.tsv": [
    22927,
    "4960629668c6548215871321e4b6daaee24191f38f41ccfbc4de62016d18c5a7",
  ],
  "aifb/testSet.tsv": [5921, "abe4a9e7c393164996d1fe7250d72ec1f1a7b350583f2dff5d880f60ec04b3b6"],
  "rdf-mutag/mutag_stripped.nt.gz": [
    645053,
    "871f24a766fd377f0adf995f50aea70fd03e4997c6051b3abff3384c08e56ac7",
  ],
  "rdf-mutag/trainingSet.tsv": [
    14283,
    "d2fe71b68bb25735465128b4aed50d9b165fa5ab92aa2e221fad3d1cd87b7297",
  ],
  "rdf-mutag/testSet.tsv": [
    3581,
    "20e69309a037cbf0fb2b52be3eaa6c43888215cbc0b96e8f8bd9e2af55652a3f",
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
  "heco-acm/labels.npy": [
    32280,
    "019284b3e6a58fc8ebd432fb99aaaf183ad41dbf56b8ca7af0b56dca9dd844b5",
  ],
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
};
