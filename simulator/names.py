"""Names, streets and schools of the simulated region; all combinations are invented.

Put here: lists and the variants under which one name is written. Keep out: drawing (`population`) and errors of
writing (`noise`).
"""

from __future__ import annotations

# Heritage groups, share of families, ONS ethnic groups with shares.
HERITAGES = ("welsh", "english", "south_asian", "somali", "arabic", "polish", "chinese", "caribbean")
HERITAGE_SHARE = (0.24, 0.53, 0.085, 0.03, 0.035, 0.035, 0.01, 0.035)
ETHNIC_BY_HERITAGE = {
    "welsh": ("white",), "english": ("white",), "south_asian": ("pakistani", "indian", "bangladeshi"),
    "somali": ("african",), "arabic": ("arab",), "polish": ("white_other",), "chinese": ("chinese",),
    "caribbean": ("caribbean", "mixed_caribbean"),
}  # fmt: skip
# One group, its code in each agency's list (see docs/simulator.md).
ETHNIC_CODES = {
    "white": {"dfe": "WBRI", "wales_fhir": "A", "police_16_1": "W1", "officer": "1"},
    "white_other": {"dfe": "WOTH", "wales_fhir": "A", "police_16_1": "W9", "officer": "1"},
    "pakistani": {"dfe": "APKN", "wales_fhir": "J", "police_16_1": "A2", "officer": "4"},
    "indian": {"dfe": "AIND", "wales_fhir": "H", "police_16_1": "A1", "officer": "4"},
    "bangladeshi": {"dfe": "ABAN", "wales_fhir": "K", "police_16_1": "A3", "officer": "4"},
    "african": {"dfe": "BAFR", "wales_fhir": "N", "police_16_1": "B2", "officer": "3"},
    "arab": {"dfe": "OOTH", "wales_fhir": "T", "police_16_1": "O2", "officer": "6"},
    "chinese": {"dfe": "CHNE", "wales_fhir": "R", "police_16_1": "A4", "officer": "5"},
    "caribbean": {"dfe": "BCRB", "wales_fhir": "M", "police_16_1": "B1", "officer": "3"},
    "mixed_caribbean": {"dfe": "MWBC", "wales_fhir": "D", "police_16_1": "M1", "officer": "3"},
    "mixed_other": {"dfe": "MOTH", "wales_fhir": "G", "police_16_1": "M9", "officer": "3"},
}


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.replace("_", " ") for word in text.split())


BOYS = {
    "welsh": _words("""Rhys Osian Dafydd Ioan Macsen Gruffydd Llŷr Owain Tomos Ifan Elis Steffan Gethin Iwan Dylan
        Cai Guto Harri Siôn Aled Emyr Gwion Idris Iestyn Llewelyn Morgan Rhodri Tudur Emrys Jac Mabon Caio Efan Ianto
        Madog Bedwyr Bryn Carwyn Deio Eifion Geraint Hywel Meilyr Nedw Trystan Wil Evan Ieuan Gwilym Lleu"""),
    "english": _words("""Oliver George Noah Arthur Harry Leo Jack Charlie Oscar Henry Archie Theodore Freddie Alfie
        Thomas William Joshua James Logan Jacob Lucas Daniel Alexander Edward Samuel Joseph Finley Isaac Max Mason
        Ethan Teddy Benjamin Reuben Toby Jude Riley Luca Elijah Albert Louie Ronnie Tommy Sebastian Zachary Adam
        Michael Matthew Ryan Liam Callum Connor Jayden Tyler Kyle Luke Nathan Cameron Lewis Robert Dexter Hugo
        Jenson Kai Stanley Frankie Bobby Rory Jamie Christopher Nicholas Anthony Andrew Stephen Jonathan Patrick"""),
    "south_asian": _words("""Mohammed Ayaan Zain Ibrahim Yusuf Hamza Aarav Arjun Rohan Ishaan Haris Bilal Usman Zayan
        Eesa Kabir Vihaan Reyansh Hassan Ali Imran Tariq Farhan Shahid Danyal Aryan Dev Krishna Rayyan Adil Sami"""),
    "somali": _words("""Abdirahman Abdullahi Mahad Liban Ayub Zakariya Guled Khalid Ismail Abdi Warsame Yahya Hanad
        Bashir Jibril Sharmarke Mustafe Yonis"""),
    "arabic": _words("""Omar Ahmed Youssef Karim Tarek Khaled Zaid Rami Faisal Nasser Mahmoud Laith Anas Saif Jamal
        Ziad Amir Hadi Mazen Walid"""),
    "polish": _words("""Jakub Filip Szymon Kacper Mateusz Oskar Wojciech Igor Dawid Krzysztof Piotr Tomasz Nikodem
        Bartosz Andrei Luka Matteo Stefan Radu Vasile Alexandru Marek"""),
    "chinese": _words("Wei Jun Haoran Zihan Yichen Ming Tao Jason Kevin Ryan Ethan Leo Hao Bo Ken"),
    "caribbean": _words("""Tyrese Malachi Elijah Jordan Isaiah Nathaniel Micah Andre Marlon Jerome Kofi Kwame Jaydon
        Tremaine Reece Leroy Dominic Xavier Zion Caleb"""),
}  # fmt: skip
GIRLS = {
    "welsh": _words("""Siân Cerys Ffion Nia Mali Cadi Efa Seren Eleri Lowri Catrin Bethan Angharad Gwen Non Elin Megan
        Carys Rhiannon Betsan Beca Nel Alys Erin Mari Heledd Lleucu Myfanwy Nansi Olwen Branwen Ceridwen Delyth Enfys
        Ffraid Glesni Gwenllian Hafwen Martha Leusa Llinos Mared Sioned Tirion Awen Greta Lili Casi Anest Tegan"""),
    "english": _words("""Olivia Amelia Isla Ava Ivy Freya Lily Florence Mia Willow Rosie Sophia Isabella Grace Daisy
        Sienna Poppy Elsie Emily Ella Evelyn Phoebe Evie Charlotte Matilda Alice Millie Ruby Sofia Harper Emma Jessica
        Chloe Lucy Maisie Erin Hallie Robyn Thea Bonnie Eliza Luna Maya Penelope Aria Layla Orla Scarlett Holly
        Elizabeth Katherine Sarah Hannah Rebecca Lauren Amy Abigail Molly Lola Eleanor Imogen Georgia Lacey Summer
        Paige Jasmine Ellie Zoe Bethany Victoria Samantha Alexandra Margaret Heidi Nancy Annabelle Beatrice"""),
    "south_asian": _words("""Aisha Fatima Zara Maryam Aaliyah Khadija Anaya Aanya Diya Priya Sana Hafsa Inaya Amina
        Noor Iqra Zainab Sumaya Ananya Meera Kavya Saira Rabia Mahnoor Alisha Rania Tahira Nadia"""),
    "somali": _words("""Hodan Ayaan Sagal Ifrah Hamdi Nasra Ubah Idil Fadumo Asha Sahra Hibo Deqa Ladan Muna Yasmin
        Rahma Filsan"""),
    "arabic": _words("""Layan Salma Leen Jana Nour Hala Rana Dalia Yara Lina Mariam Reem Sara Farah Huda Rawan Malak
        Amal Lama Dana"""),
    "polish": _words("""Zuzanna Julia Maja Hanna Lena Oliwia Amelia Natalia Wiktoria Kinga Aleksandra Gabriela
        Katarzyna Magdalena Ioana Elena Andreea Daria Nikola Weronika Milena Iga"""),
    "chinese": _words("Mei Xinyi Yuxi Jiayi Yan Ling Emily Chloe Lily Sophie Hui Fang Jing Ying Anna"),
    "caribbean": _words("""Shanice Aaliyah Kiara Tiana Jada Imani Amara Destiny Nevaeh Renee Monique Naomi Keisha
        Chantelle Serena Abiola Esther Gloria Zara Ruth"""),
}  # fmt: skip
SURNAMES = {
    "welsh": _words("""Jones Davies Williams Evans Thomas Roberts Lewis Hughes Morgan Griffiths Edwards Owen James Rees
        Jenkins Price Morris Powell Lloyd Phillips Parry Richards Howells Bowen Pritchard Prosser Vaughan Pugh Bevan
        Probert Watkins Llewellyn Humphreys Gwynne Meredith Rowlands Bebb Havard Beynon Gronow Cadwaladr Trahearne
        Tudor Ellis Harries Hopkin Hopkins Isaac Jeremy Maddocks Mathias Penry Picton Rosser Samuel Stradling Tegid
        Wynne Breeze Bellis Blethyn Craddock Daniel David Devonald Dyer Einion Eynon Foulkes Gethin Gittins Godwin
        Gough Gravell Gwilliam Harpwood Hier Issac Kendrick Kyffin Lougher Mainwaring Mostyn Nest Onions Peate Protheroe
        Rhydderch Sayce Teague Tew Treharne Tudur Voyle Yorath"""),
    "english": _words("""Smith Taylor Brown Wilson Johnson Walker Wright Robinson Thompson White Hall Green Wood Harris
        Martin Jackson Clarke Turner Hill Cooper Ward Moore Clark Baker Harrison King Allen Scott Mitchell Carter
        Shaw Young Bennett Cook Bell Parker Collins Murphy Kelly Simpson Marshall Bailey Richardson Cox Adams Gray
        Wilkinson Webb Rogers Foster Hunt Palmer Mason Barnes Chapman Fisher Knight Mills Matthews Butler Russell
        Barker Stevens Fletcher Dixon Ford Pearson Holmes Graham Harvey Andrews Payne Reynolds Murray Lawrence Spencer
        Burton Day Elliott Wells Hart Grant Brooks Gibson Armstrong Hawkins Carr Hudson Gardner Stone Cole Perry Ball
        Warren Dean Lane Saunders Ryan Burke O'Brien O'Connor Walsh Kennedy Byrne Doyle Sullivan McCarthy Atkinson
        Newman Nicholson Francis Bishop Field Frost Goddard Hammond Ingram Jarvis Kirby Lambert Marsh Norton Osborne
        Parsons Quinn Rhodes Sharp Todd Underwood Vincent Weston York Bright Crane Drake Fenn Garland Hobbs Ivory
        Jolley Keen Lovell Mercer Nott Oakes Pike Rudd Sharpe Tanner Upton Venn Whitmore Yates Ashford Birch
        Coombes"""),
    "south_asian": _words("""Khan Hussain Ahmed Ali Begum Patel Singh Kaur Shah Malik Iqbal Akhtar Hussein Mahmood
        Rahman Miah Uddin Chowdhury Sharma Gupta Kumar Das Mirza Qureshi Siddiqui Raza Sheikh Bibi Chaudhry Aziz
        Islam Haque Sarkar Reddy Nair Menon Joshi Verma Bhatt Desai"""),
    "somali": _words("""Mohamed Hassan Abdi Warsame Farah Omar Yusuf Jama Ibrahim Ismail Aden Nur Egal Hersi Duale
        Elmi Abdullahi Guled Samatar Dirie"""),
    "arabic": _words("""Al-Hashimi Haddad Mansour Nasser Saleh Khalil Aziz El-Sayed Hamdan Darwish Rashid Jaber Said
        Al-Amin Qasim Shaheen Karam Awad Zidan Bakri Al-Masri Fakhoury Othman Barakat"""),
    "polish": _words("""Kowalski Nowak Wiśniewski Wójcik Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski
        Kozłowski Jankowski Mazur Kwiatkowski Krawczyk Piotrowski Grabowski Pawłowski Popescu Ionescu Popa Dumitru
        Stan Rusu Kovács Novák Horváth"""),
    "chinese": _words("Wang Li Zhang Liu Chen Yang Huang Zhao Wu Zhou Lam Cheung Wong Chan Ng Leung Ho Tang Lau Yip"),
    "caribbean": _words("""Campbell Bailey Gordon Grant Francis Morrison Joseph Henry Charles Baptiste Pierre Samuels
        Boateng Mensah Owusu Asante Okafor Adeyemi Okoye Eze Bello Adebayo Nkosi Moyo Banda Dlamini Ncube"""),
}  # fmt: skip

# The same name as another office writes it.
VARIANTS = {
    "Siân": ("Sian", "Sharn", "Shan"), "Llŷr": ("Llyr", "Leer"), "Siôn": ("Sion", "John", "Shon"),
    "Dafydd": ("David", "Dai", "Dafyd"), "Rhys": ("Rees", "Reece", "Rhyss"), "Gruffydd": ("Griffith", "Griff", "Gruff"),
    "Tomos": ("Thomas", "Tom"), "Ioan": ("Iwan", "Yoan", "John"), "Owain": ("Owen",), "Ifan": ("Evan", "Ivan"),
    "Elis": ("Ellis",), "Steffan": ("Stephan", "Stephen", "Steff"), "Llewelyn": ("Llywelyn", "Lewelin", "Lyn"),
    "Cerys": ("Kerys", "Carys"), "Ffion": ("Fion", "Fionn"), "Catrin": ("Katrin", "Catherine", "Cat"),
    "Angharad": ("Anghared", "Hari"), "Rhiannon": ("Rianon", "Rhian"), "Siwan": ("Suan",), "Lowri": ("Laura", "Lowry"),
    "Eleri": ("Elery",), "Megan": ("Meg", "Meghan"), "Carys": ("Cerys", "Caris"), "Bethan": ("Beth", "Bethany"),
    "Gwenllian": ("Gwen",), "Heledd": ("Heleth",), "Mali": ("Molly",), "Mari": ("Mary", "Marie"), "Sioned": ("Janet",),
    "Nia": ("Neah",), "Efa": ("Eva",), "Lili": ("Lily",), "Harri": ("Harry",), "Jac": ("Jack",), "Cai": ("Kai",),
    "Ieuan": ("Ieu", "Euan", "Ian"), "Gwilym": ("William", "Gwil"), "Wil": ("Will", "William"), "Efan": ("Evan",),
    "Hywel": ("Howell",), "Geraint": ("Ger",), "Emrys": ("Ambrose",), "Guto": ("Gito",), "Alys": ("Alice",),
    "Thomas": ("Tom", "Tommy"), "William": ("Will", "Bill", "Billy"), "Joshua": ("Josh",), "James": ("Jim", "Jamie"),
    "Jacob": ("Jake",), "Daniel": ("Dan", "Danny"), "Alexander": ("Alex", "Xander"), "Edward": ("Ted", "Eddie"),
    "Samuel": ("Sam",), "Joseph": ("Joe", "Joey"), "Benjamin": ("Ben",), "Theodore": ("Theo", "Teddy"),
    "Michael": ("Mike", "Mikey", "Micheal"), "Matthew": ("Matt", "Mathew"), "Robert": ("Rob", "Bobby"),
    "Zachary": ("Zac", "Zach"), "Oliver": ("Ollie", "Olly"), "Charlie": ("Charles", "Charley"),
    "Archie": ("Archibald",),
    "Freddie": ("Freddy", "Frederick"), "Alfie": ("Alfred",), "Nathan": ("Nate",), "Cameron": ("Cam",),
    "Christopher": ("Chris",), "Nicholas": ("Nick", "Nicolas"), "Anthony": ("Tony", "Antony"), "Andrew": ("Andy",),
    "Stephen": ("Steven", "Steve"), "Jonathan": ("Jon", "Jonny", "Johnathan"), "Callum": ("Calum",),
    "Connor": ("Conor", "Conner"), "Jayden": ("Jaden", "Jaydon"), "Lewis": ("Louis",), "Luke": ("Lucas",),
    "Olivia": ("Liv", "Livvy"), "Amelia": ("Millie", "Emelia"), "Isabella": ("Bella", "Izzy", "Isabelle"),
    "Charlotte": ("Lottie", "Charlie"), "Matilda": ("Tilly",), "Elizabeth": ("Beth", "Lizzie", "Elisabeth"),
    "Katherine": ("Kate", "Catherine", "Katie", "Kathryn"), "Sarah": ("Sara",), "Hannah": ("Hanna", "Hana"),
    "Rebecca": ("Becky", "Becca"), "Lauren": ("Loren",), "Abigail": ("Abi", "Abbie"), "Eleanor": ("Ellie", "Elinor"),
    "Imogen": ("Immy",), "Jasmine": ("Jasmin", "Jaz"), "Victoria": ("Vicky", "Tori"), "Samantha": ("Sam",),
    "Alexandra": ("Alex", "Lexi"), "Jessica": ("Jess",), "Sophia": ("Sofia", "Sophie"), "Florence": ("Flo", "Florrie"),
    "Phoebe": ("Pheobe", "Phebe"), "Bethany": ("Beth", "Bethan"), "Georgia": ("George",), "Chloe": ("Cloe", "Khloe"),
    "Mohammed": ("Muhammad", "Mohamed", "Mohammad", "Md"), "Yusuf": ("Yousuf", "Youssef"), "Ibrahim": ("Ebrahim",),
    "Hassan": ("Hasan",), "Aisha": ("Ayesha", "Aysha"), "Fatima": ("Fatimah", "Fathima"),
    "Maryam": ("Mariam", "Mariyam"),
    "Khadija": ("Khadijah", "Kadija"), "Zainab": ("Zaynab", "Zeinab"), "Abdirahman": ("Abdi", "Abdulrahman"),
    "Abdullahi": ("Abdullah", "Abdi"), "Fadumo": ("Faduma", "Fatuma"), "Ahmed": ("Ahmad",), "Omar": ("Umar",),
    "Jakub": ("Jacob", "Kuba"), "Krzysztof": ("Christopher", "Kris"), "Wojciech": ("Wojtek",), "Piotr": ("Peter",),
    "Katarzyna": ("Kasia", "Katherine"), "Aleksandra": ("Ola", "Alexandra"), "Zuzanna": ("Susanna", "Zuza"),
    "Wiktoria": ("Victoria",), "Oliwia": ("Olivia",), "Mateusz": ("Matthew", "Mateus"), "Szymon": ("Simon",),
    "Alexandru": ("Alex",), "Nathaniel": ("Nathan", "Nat"), "Tomasz": ("Tom", "Thomas"),
}  # fmt: skip
SURNAME_VARIANTS = {
    "Davies": ("Davis", "Davees"), "Griffiths": ("Griffith", "Griffths"), "Rees": ("Reece", "Rhys"),
    "Llewellyn": ("Llewelyn", "Lewellyn"), "Phillips": ("Philips",), "Hughes": ("Hughs",), "Pritchard": ("Prichard",),
    "Lloyd": ("Loyd", "Floyd"), "Vaughan": ("Vaughn",), "Howells": ("Howell",), "Jenkins": ("Jenkin",),
    "Humphreys": ("Humphries",), "Meredith": ("Meridith",), "Clarke": ("Clark",), "Clark": ("Clarke",),
    "Thompson": ("Thomson", "Tompson"), "Stevens": ("Stephens",), "Matthews": ("Mathews",), "Reynolds": ("Renolds",),
    "Hussain": ("Hussein", "Husain"), "Ahmed": ("Ahmad",), "Mohamed": ("Mohammed", "Mahamed"), "Rahman": ("Rehman",),
    "Chowdhury": ("Choudhury", "Chaudhury"), "Hassan": ("Hasan",), "Yusuf": ("Yousuf",), "Al-Hashimi": ("Hashimi",),
    "El-Sayed": ("Elsayed", "Sayed"), "Al-Amin": ("Alamin",), "Al-Masri": ("Masri",), "Wiśniewski": ("Wisniewski",),
    "Wójcik": ("Wojcik",), "Kamiński": ("Kaminski",), "Zieliński": ("Zielinski",), "Szymański": ("Szymanski",),
    "Woźniak": ("Wozniak",), "Dąbrowski": ("Dabrowski",), "Kozłowski": ("Kozlowski",), "Pawłowski": ("Pawlowski",),
    "Kovács": ("Kovacs",), "Novák": ("Novak",), "Horváth": ("Horvath",), "O'Brien": ("OBrien", "Obrien"),
    "O'Connor": ("OConnor", "O'Conner"), "McCarthy": ("MacCarthy", "Mccarthy"), "Sharpe": ("Sharp",),
}  # fmt: skip

STREET_FIRST = _words("""Heol Ffordd Rhodfa Clos Maes Lôn Stryd Cwrt""")
STREET_WELSH = _words("""y_Bryn yr_Afon Glas y_Wennol y_Felin Coch y_Gof Aderyn yr_Onnen y_Castell Gwyn y_Coed
    y_Dderwen Fach y_Ffynnon Las yr_Eglwys y_Garreg Hir y_Llan y_Môr Newydd y_Nant yr_Orsaf y_Parc Rhedyn y_Waun""")
STREET_ENGLISH = _words("""Larkfield Brackenhill Otterbrook Fernleigh Hawkmoor Millstone Copperfield Thornbury Windrush
    Silverdale Marlpit Kestrel Foxglove Hazelmere Oakhanger Primrose Quarry Ridgeway Saltmarsh Tannery Underhill
    Viaduct Wainwright Yarrow Ashgrove Beechcroft Cedarwood Dunlin Elmhurst Flaxley""")
STREET_LAST = _words("Road Street Avenue Close Crescent Drive Terrace Place Gardens Walk Rise Lane")
TOWNS_681 = _words("Cardiff Cardiff Cardiff Caerdydd Llanfelyn Pontlas Rhydwen")
TOWNS_673 = _words("Barry Y_Barri Penarth Llandow Porthwen Abercoed")
SCHOOL_FIRST = _words("""Bryn Coed Derwen Pen-y-Nant Gwaun Llwyn Maes Nant Pant Rhiw Tregoed Aberfelin Cae_Mawr
    Glan-yr-Afon Hafod Larkfield Brackenhill Otterbrook Fernleigh Hawkmoor Millstone Thornbury Windrush Silverdale
    Kestrel Foxglove Hazelmere Ridgeway Saltmarsh Viaduct Yarrow Ashgrove Elmhurst""")
