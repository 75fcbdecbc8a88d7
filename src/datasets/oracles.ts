// Counts and digests of each dataset's published files; `data verify` compares with them.
import { HECO_SUMMARIES } from "./oracles-heco.ts";
import { NELL_PUBLIC_SUMMARIES, NELL_SUMMARIES } from "./oracles-nell.ts";
import { RDF_SUMMARIES } from "./oracles-rdf.ts";

/** Counts and sha256 of a graph's canonical arrays (see canonical.ts). */
export interface Summary {
  readonly nodes: number;
  readonly features: number;
  readonly feature_nnz: number;
  readonly classes: number;
  readonly arcs: number;
  readonly undirected: number;
  readonly sha256: {
    readonly arcs_row_sorted_i32: string;
    readonly arcs_col_i32: string;
    readonly labels_i32: string;
    readonly feat_indptr_i32: string;
    readonly feat_indices_i32: string;
    readonly feat_data_f32: string;
  };
  readonly feature_sum: number;
  readonly unlabelled: number;
}

/** Each dataset's summary, computed in Python, independently of this library (except the synthetic one's). */
export const SUMMARIES: Readonly<Record<string, Summary>> = {
  ...NELL_SUMMARIES,
  ...RDF_SUMMARIES,
  ...HECO_SUMMARIES,
  cora: {
    nodes: 2708,
    features: 1433,
    feature_nnz: 49216,
    classes: 7,
    arcs: 10556,
    undirected: 5278,
    sha256: {
      arcs_row_sorted_i32: "f4767b3ecb060de016e5cd97c740a57893feccccd343dd26d2658d140574613e",
      arcs_col_i32: "a0403267fbe197ec2a39cdecfb39e4cfbcf394b2591c5194cb94df127d9bb0db",
      labels_i32: "57ae1a50829808f8d6806f5ecc2e4889118d9d6c33f7c4ab8ec3592a68a3b94c",
      feat_indptr_i32: "b62808e7a686a808d671be25edbe692b4adeb9b95c8684351d84fd9e12f7919a",
      feat_indices_i32: "e927312de3e1a5175c8ba21df70bbed22073bee54aa47725312ffb695e9ca83f",
      feat_data_f32: "b6b21f88e97b941a18346653f17d13084c3e07e19e3a7f7b101cebff366e5eb9",
    },
    feature_sum: 49216.0,
    unlabelled: 0,
  },
  citeseer: {
    nodes: 3327,
    features: 3703,
    feature_nnz: 105165,
    classes: 6,
    arcs: 9104,
    undirected: 4552,
    sha256: {
      arcs_row_sorted_i32: "e963671d00d7e005745742ed5636f880241c0c1fd9928779729efef307e6452a",
      arcs_col_i32: "c0e65d6cb44c50b05d078311949da4d7ad8c919b68f27fccf8b9d9584211f393",
      labels_i32: "0a9c5cb4e0db0118551b71aa62fe62832e90ebdfc602a4917220c9923fa61462",
      feat_indptr_i32: "8ed82a019c207b0296f9c935bd5effcfaa650523f274b7b66b2411adf3dad67f",
      feat_indices_i32: "ff98c0b675a82ab2c6aa4aa1044891dc2e7262a4e55b7debb1708c0442c1a127",
      feat_data_f32: "87679e6ef9e1f917a26e01caaff206b1083be17db182caa97bc02b81d3be5ce6",
    },
    feature_sum: 105165.0,
    unlabelled: 15,
  },
  pubmed: {
    nodes: 19717,
    features: 500,
    feature_nnz: 988031,
    classes: 3,
    arcs: 88648,
    undirected: 44324,
    sha256: {
      arcs_row_sorted_i32: "36c90ed99744c62d55cd35cd569f3d72d589a5092fefa460927ecd853958d7ac",
      arcs_col_i32: "4cf96a941fed227d037a1cc1a2ea03a004b7aa30bb1d6e5b65b119722d2110c3",
      labels_i32: "b2806a1461ef92984d8621725fa4f0d0957d5c07cb91f2bbceca168d27a61422",
      feat_indptr_i32: "8a838f2848610dd2df3a966fefc77d67ab8476cbe63ee2f7a1afde74527f0e38",
      feat_indices_i32: "0cc27053e7293a4a7152063864e71dff35d6a33e55367cb035abc2cffb7497c8",
      feat_data_f32: "aca3d28c20a8de88c19079030467b00b8852739e796f936d90b79f4c08c11b8d",
    },
    feature_sum: 38716.295094509376,
    unlabelled: 0,
  },
  "amazon-photo": {
    nodes: 7650,
    features: 745,
    feature_nnz: 1979909,
    classes: 8,
    arcs: 238162,
    undirected: 119081,
    sha256: {
      arcs_row_sorted_i32: "101620b82d84d77728383d095a0d5990e7e42bafb8c96f4baf3340f4345bcac3",
      arcs_col_i32: "34771d342e7c386d00a8ec18445145d08f43d0a2bb3b27b9e4a3c1c646907f8e",
      labels_i32: "2b726fcd298d83e902822c6a11b8f36989d84fd9171c781b499057066ded0564",
      feat_indptr_i32: "3b2c440ed8388c519c018a7ff4e210e1c709831b7fedef11190214de23b81656",
      feat_indices_i32: "152f4df8eefc10d26aa6600fa4619f266d5ee73c4d91cd2862c4d243c56d5ebe",
      feat_data_f32: "b66adc6f7c916a8e7f8a7ac3b16c27bc412cda03a6ff6c0bfec62b2e00d41d2e",
    },
    feature_sum: 1979909.0,
    unlabelled: 0,
  },
  "amazon-computers": {
    nodes: 13752,
    features: 767,
    feature_nnz: 3675081,
    classes: 10,
    arcs: 491722,
    undirected: 245861,
    sha256: {
      arcs_row_sorted_i32: "74e7166da989cbd51a611bc1e084441fb506790f87d2c51ccb456f1b549cdbd4",
      arcs_col_i32: "a5b0b079853df6258c0f47f8d6c3d060dc6e2dd209235494d816ea05981cc2d7",
      labels_i32: "f93950284561f9d73638ce5e1ef2538598a268d9c5bf5acf72188183ca35e05b",
      feat_indptr_i32: "299704ab988afd8b9adab6cff881db9329c2d212e02082ffdb57de47d34339f4",
      feat_indices_i32: "63b855815c31e7d9ed3d82bb87b581ae380e229c1363ca75362621caccc4c886",
      feat_data_f32: "b100c2a53a7f436ea04f1a79616b826ac1fb5db808426b47f2f830fa6b860548",
    },
    feature_sum: 3675081.0,
    unlabelled: 0,
  },
  "coauthor-cs": {
    nodes: 18333,
    features: 6805,
    feature_nnz: 1092079,
    classes: 15,
    arcs: 163788,
    undirected: 81894,
    sha256: {
      arcs_row_sorted_i32: "e76211bb8dee77857d010d5050134eca9dd65aae2014a6d079d9389732b36fc3",
      arcs_col_i32: "ef9a43f8a384bd17bcdac3757b17df888d57ec7df8e4ce99ad8fddebf8957440",
      labels_i32: "f2c9edbb987a1becd685f4b38fb18a8b8a3f416c557aa501a86ca199284da84f",
      feat_indptr_i32: "49354adfe94de1b59d60910c9a0047f2f4bb61614fbada9018e49ae903ef90ab",
      feat_indices_i32: "39d61a90bb99c8583d6858fd9baa825e0b6267bdef6360cb4aca054641c6d5d5",
      feat_data_f32: "59440ba34b4332c6db69f7765c204f80fded04a725ea9ca4bea647e6c375d252",
    },
    feature_sum: 1092079.0,
    unlabelled: 0,
  },
  synthetic: {
    nodes: 2708,
    features: 1433,
    feature_nnz: 48473,
    classes: 7,
    arcs: 10556,
    undirected: 5278,
    sha256: {
      arcs_row_sorted_i32: "5d9c93c843d651ee5d8f2582db6346bc7651070921744681b4e6ad6a302b2df7",
      arcs_col_i32: "f0086dcf87f2363264bf4471242f4dff912b4f62da92ae7d25871c4411059fe8",
      labels_i32: "7a3bc4a648102db512c2f57642e1f04db5269aa87c4d18edd95e69530c09c542",
      feat_indptr_i32: "358fa8bc9d42d4c56e7e2013a05664585076e2b2d8211d082c37775ef3c0d99d",
      feat_indices_i32: "2a9d7b05915240e6e6d39df605b7936882a1613ed02442a124f098258a747b06",
      feat_data_f32: "dd59efa1e3d004485fc013b371c839b812931bf3557fb31bec299defef72e5d0",
    },
    feature_sum: 48473,
    unlabelled: 0,
  },
};

/**
 * How many nodes a split's source puts in each set, and the sha256 of the nodes' roles, one byte
 * per node: 0 in no set, 1 train, 2 val, 3 test.
 */
export interface SplitSummary {
  readonly train: number;
  readonly val: number;
  readonly test: number;
  readonly sha256: string;
}

export const SPLIT_SUMMARIES: Readonly<Record<string, readonly SplitSummary[]>> = {
  cora: [
    {
      train: 1192,
      val: 796,
      test: 497,
      sha256: "760f58fc1f95a5c32c56b12755d70c2310016da18615d17c90439d03467e9973",
    },
    {
      train: 1192,
      val: 796,
      test: 497,
      sha256: "1b0cb9c7c63c589403d69930d024005d319f4a76771ab493d3050771561e6cfe",
    },
    {
      train: 1192,
      val: 796,
      test: 497,
      sha256: "4f566124cbd611e9f2dd4a6531da387e272645731b7ddf52c04b58434c4922fe",
    },
    {
      train: 1192,
      val: 796,
      test: 497,
      sha256: "74257a9e95895ecceb9380748652a38b5c49d6ee458b9954145bb0c42d94b3b8",
    },
    {
      train: 1192,
      val: 796,
      test: 497,
      sha256: "fd0bdd9692a6171e38b39fb1e9652b19f7f4619f397ae482bd33257434847d45",
    },
    {
      train: 1192,
      val: 796,
      test: 497,
      sha256: "6363c7114458e69f516472db834e3d98eb3ddacfd1afae729e2edd4bb138d0eb",
    },
    {
      train: 1192,
      val: 796,
      test: 497,
      sha256: "1ec7043b5ea1b902f92981d2dc4875c3c170ccebd81617e7b88c856a715a692b",
    },
    {
      train: 1192,
      val: 796,
      test: 497,
      sha256: "af9c17e640155984eacb306e5cbb5ee8fdd1f7462b221a4aed3906562af70b79",
    },
    {
      train: 1192,
      val: 796,
      test: 497,
      sha256: "d02f175ad28f9e7c7349dcd4b36e13c5b9e2df31c6fa75ce289704b927f5dc40",
    },
    {
      train: 1192,
      val: 796,
      test: 497,
      sha256: "ea2d21fd0e5db6679f8d54efab1576cebac6572b88e13a8f3240941c96391d31",
    },
  ],
  citeseer: [
    {
      train: 1596,
      val: 1065,
      test: 666,
      sha256: "dd65f0fd5725cdb682de7cb3c432aaeb47103ebc52ca1eb5fd55a33a6e493a12",
    },
    {
      train: 1596,
      val: 1065,
      test: 666,
      sha256: "b4f353cb6b9e25623d6289833c11db0b32370cf13763843b70e65992fc2f9cd7",
    },
    {
      train: 1596,
      val: 1065,
      test: 666,
      sha256: "dff25bd84fb1a2f302dc8514f29f38329fd0474cd1699fad1b5bbd607e170eba",
    },
    {
      train: 1596,
      val: 1065,
      test: 666,
      sha256: "7d89d1abb2fe11185a56204b38160cba12bb9961698d9811b110f0b0734b1022",
    },
    {
      train: 1017,
      val: 679,
      test: 424,
      sha256: "f4718dcb5603c505ff518368a8f4007b494cd7b6357ab9ef29eb93ab635e7f6e",
    },
    {
      train: 1017,
      val: 679,
      test: 424,
      sha256: "2757bb79101c5c3889cf1665c0a3988f2b23f0ab35f95df2c5460bfd5436b8c7",
    },
    {
      train: 1596,
      val: 1065,
      test: 666,
      sha256: "459fa5e3949701d33eef0d9abbf52676b4109881c4b2d56effc5699c85edc651",
    },
    {
      train: 1596,
      val: 1065,
      test: 666,
      sha256: "2b0c88a7722779732f6e31658b478fccebb216799c0fd1dab84af31f5cdc27e6",
    },
    {
      train: 1596,
      val: 1065,
      test: 666,
      sha256: "e5e9186724f3ee8eefa1ebbbd391ab1fcde20d54e3dbee201c42e08ea256b923",
    },
    {
      train: 1596,
      val: 1065,
      test: 666,
      sha256: "b3daa046679679120c7f499fed2d4254ec17a45dfe7c470f1ccffaf7662b7bc3",
    },
  ],
  pubmed: [
    {
      train: 9463,
      val: 6310,
      test: 3944,
      sha256: "0aff914f38c46c5fe6ed0ac308e08437fa46665b152705d315ffc22e761a000a",
    },
    {
      train: 9463,
      val: 6310,
      test: 3944,
      sha256: "5cd1bbbb68ca11862812590ff646ffabd815e5f237b4c58e03964d60a368dbd8",
    },
    {
      train: 9463,
      val: 6310,
      test: 3944,
      sha256: "e701787e0f4c1df09aac59f868e8c26f3abcce25d89f3ffb60b24cac45d103ed",
    },
    {
      train: 9463,
      val: 6310,
      test: 3944,
      sha256: "7f826d6cc84d990f5ab19fe1b8771412213c0dd20811db71f3fa15ef70247458",
    },
    {
      train: 9463,
      val: 6310,
      test: 3944,
      sha256: "712a6da4e8253d27ce154bbc2a9ada8d277c8d6ce1aed6beacf88a1a536bbbbc",
    },
    {
      train: 9463,
      val: 6310,
      test: 3944,
      sha256: "af7e353fc0fbce6c3bbbcc067bda388dc1ececc484851e2456273ebb491d91cb",
    },
    {
      train: 9463,
      val: 6310,
      test: 3944,
      sha256: "4a3af456c1b366626b8fb2fdb97097c0e075a80ecea53b3d24b7f61af9b980a9",
    },
    {
      train: 9463,
      val: 6310,
      test: 3944,
      sha256: "9bea8c247e9402588738602728408947550857343af1a23c262dabecae6279b0",
    },
    {
      train: 9463,
      val: 6310,
      test: 3944,
      sha256: "974d6b311400f61bf633101c8504dcdcbf7556c593dc8a57dbf6d20dd93c3560",
    },
    {
      train: 9463,
      val: 6310,
      test: 3944,
      sha256: "84803d5b68f30e4372ac8addd3021eae6b0e4cb3b819eea37dfcad5c869e0381",
    },
  ],
};

/** Planetoid's public split: ranges [from, to) and the sha256 of the sorted test nodes (int32). */
export interface PublicSummary {
  readonly train: readonly [number, number];
  readonly val: readonly [number, number];
  readonly test_sorted_sha256_i32: string;
}

export const PUBLIC_SUMMARIES: Readonly<Record<string, PublicSummary>> = {
  ...NELL_PUBLIC_SUMMARIES,
  cora: {
    train: [0, 140],
    val: [140, 640],
    test_sorted_sha256_i32: "e0bb4ce8e75104325d468d9104385007af69ee148c4cce5c84ce94252826284b",
  },
  citeseer: {
    train: [0, 120],
    val: [120, 620],
    test_sorted_sha256_i32: "1c102e35423939e1d60125f4f65b86f1680a6fb0759c91c2aa7cbbcd08c19d94",
  },
  pubmed: {
    train: [0, 60],
    val: [60, 560],
    test_sorted_sha256_i32: "fa4b3853a489fc86a28b89341292b37b1940c48cfea301b1585358fa6413edce",
  },
};
