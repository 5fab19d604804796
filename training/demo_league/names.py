"""Who plays in the league: surnames, team names, and the drawing of lots for a match.

Knows the names and that no two in a match are alike. Knows nothing of how a match is played or told.
No name is a word of the commentary, a colour or a number, and no surname is one letter away from another, so that a
name heard is a name told apart.
"""

import numpy as np

from training.demo_league.kits import distinct_pair
from training.demo_league.records import NUM_PLAYERS_PER_TEAM, Player, Team

_SURNAMES = """
    Adebayo Adeyemi Aerts Afolabi Agarwal Aguilar Agyeman Ahmadi Ahmed Akesson Akhmetov Akhtar Alexiou
    Aliyev Almeida Amaral Amoah Amrani Aoki Appiah Aquino Arias Arnaud Arroyo Asante Aubert Aydin Azevedo
    Aziz Babic Baek Bakke Bakr Balogh Balogun Bansal Baran Barbieri Barbosa Barnes Batbayar Batista Bauer
    Beck Becker Bekele Belkacem Bello Benali Benes Benitez Bennani Bennett Berg Bergstrom Beridze Berisha
    Bernard Bezerra Bhatt Bianchi Blanchard Boateng Bohm Bonnet Boonmee Bose Bosman Bourgeois Boyer Brandt
    Braun Brennan Brunet Bruno Burke Byrne Cabrera Calvo Camara Cameron Campillo Carmona Caron Carrasco
    Caruso Casado Castillo Castro Cerny Cetin Chaiyo Chauhan Cheruiyot Choi Chopra Chowdhury Claes Clarke
    Collins Connolly Conti Cooper Coppola Cortes Coulibaly Dang Danjuma Dantas Davies Dekker Delgado Demir
    Desai Dizon Dlamini Dogan Doherty Dolezal Dominguez Douglas Drummond Duarte Dudek Dumitru Duncan Duong
    Dutta Duval Dvorak Edwards Eide Ekstrom Ekwueme Engstrom Eriksson Espinosa Esteban Esteves Evans
    Faleolo Fares Farkas Farouk Ferguson Fernandes Ferrari Ferrer Figueira Fischer Foley Fontana Forsberg
    Fraser Freitas Friedrich Fuchs Fujii Fujita Fukuda Gaillard Gallagher Gallardo Ganbold Garnier Garrido
    Gashi Gauthier Gentile Georgiev Ghosh Girard Golob Goossens Gorski Goto Greco Grigoryan Guerin
    Guerrero Gueye Gunther Gupta Haddad Haile Hamdan Hamilton Hansen Harada Harris Hartmann Hasegawa
    Haugen Hayashi Hedlund Heikkila Heikkinen Heinonen Hendriks Hernandez Herrera Herrmann Hidalgo Hidayat
    Hoang Hoffmann Holm Horak Horvat Hosseini Hristov Huber Ibanez Ibrahim Idrissi Iglesias Ikeda Ilic
    Iliev Inoue Ishikawa Ismail Ivanov Iyer Izquierdo Jablonski Jafari Janssens Jarvinen Jaworski Jelinek
    Jeong Jimenez Johansen Johansson Joly Jonsson Joshi Jovanovic Juhasz Kahui Kaminski Kaneko Kapanadze
    Kapoor Karim Kavanagh Kaya Kazemi Keane Keita Keller Kennedy Khalil Khan Kiknadze Kimura Kinnunen
    Kipchoge Knezevic Knudsen Kobayashi Koch Kohler Kolev Konan Kondo Korhonen Korkmaz Kouassi Kowalski
    Kozlowski Kranjc Krasniqi Krawczyk Krol Krstic Kruis Kucera Kudo Kumar Kwon Laine Laitinen Lakatos
    Lambert Lange Larsen Larsson Laurent Lazic Lebedev Leclerc Lefebvre Lehmann Lehtonen Lemaire Leone
    Leota Lewis Liang Lind Lindqvist Longo Lopes Lozano Lundgren Lysenko Machado Madsen Maes Maguire
    Makris Malhotra Malik Mammadov Manalo Mancini Mansour Marchenko Marek Mariani Maric Marino Markovic
    Marquez Marsh Masson Matei Mathieu Matsumoto Mayer Mazur Mbeki Meijer Melnyk Mendez Mendoza Mensah
    Mercier Meunier Michalak Michalski Milosevic Mirza Mitrovic Miura Miyazaki Mlakar Moen Mokoena
    Monteiro Moradi Moreau Moreira Moretti Morgan Morin Morita Moroz Mortensen Moya Muller Munro Murphy
    Murray Mutua Mwangi Nagy Nair Nakajima Nakayama Nasser Ndiaye Ndlovu Nemeth Neumann Ngata Nielsen
    Nieminen Nikolic Nilsson Njoroge Nkosi Nnamdi Noel Nogueira Norling Novak Nowicki Nugroho Nwosu Nyberg
    Ocampo Odhiambo Ofori Ogawa Ogunleye Okafor Okamoto Olah Oliynyk Olsen Onyeka Ortega Osterman Otieno
    Oyelaran Ozkan Ozturk Pandey Papadakis Pappas Parata Pardo Parra Pavlovic Pawlak Pawlowski Pedersen
    Pena Pereira Perrin Persson Peters Petrosyan Petterson Pham Phillips Picard Pillai Pinto Pokorny Polat
    Popa Popescu Popov Pospisil Potocnik Prieto Quinn Quintero Qureshi Racz Rahimi Rahman Ramadan Ramirez
    Rasmussen Razak Reyes Rezaei Ribeiro Richter Rinaldi Rivera Rizzo Robinson Roche Rodriguez Rossi Roth
    Roussel Rubio Rudenko Rusu Rutkowski Ruzicka Saarinen Sabbagh Saez Sahin Saidi Sakamoto Samaras
    Sanchez Sandberg Santana Sargsyan Sarr Sato Saxena Sayed Schneider Schroder Schulz Schuster Sedlak
    Serra Sesay Sethi Setiawan Shafik Shah Sharma Sheikh Shibata Siddiqui Sigurdson Sikora Silva Silvestre
    Simic Simonyi Siqueira Siregar Sithole Smirnov Smit Soderberg Sokolov Sorensen Souza Srisai Stepien
    Stewart Stoica Stoyanov Sullivan Suzuki Svensson Svoboda Sydorenko Sylla Szabo Szilagyi Szymanski
    Takacs Takagi Tamura Tanaka Tavares Tazi Teixeira Tesfaye Thompson Thomsen Thorsson Tierney Tiwari
    Tkachenko Todorov Torok Toure Tran Traore Trinh Trivedi Truong Tupou Turner Turunen Ueda Vargas Vega
    Velasco Venter Verma Vesely Vidal Virtanen Vlachos Vogt Volkov Vukovic Wada Wallace Wallin Walter
    Wanjiru Watanabe Weber Weiss Werner Whelan Wibowo Wijaya Wilson Winkler Wouters Wright Wrobel Yadav
    Yamada Yamaguchi Yamamoto Yildiz Yokoyama Yoshida Yusof Zaki Zamora Zeman Zervas Zhang Zhao Zhou Ziani
    Ziegler Zielinski
"""

SURNAMES: tuple[str, ...] = tuple(_SURNAMES.split())
"""600 surnames from all over the world, each one capitalised ASCII word of four to nine letters."""

_TEAM_NAMES = """
    Admirals Archers Avalanches Badgers Bakers Barons Bears Beavers Blizzards Brewers Broncos Buccaneers
    Buffaloes Bulls Cadets Camels Captains Cobblers Cobras Colliers Comets Condors Corsairs Cossacks
    Cougars Coyotes Crusaders Cyclones Dockers Dolphins Dragons Dukes Eagles Elephants Elks Falcons
    Farmers Foresters Foxes Gazelles Giants Giraffes Gladiators Gorillas Griffins Hatters Hawks Herons
    Highlanders Hornets Hyenas Islanders Jackals Jaguars Kangaroos Kestrels Knights Koalas Lancers
    Leopards Lions Lynxes Magpies Mariners Masons Meteors Millers Miners Monarchs Mustangs Ninjas Nomads
    Otters Owls Panthers Pelicans Penguins Phoenixes Pilgrims Pioneers Pirates Planets Potters Pythons
    Rams Rangers Ravens Regents Rhinos Rockets Romans Rovers Saddlers Sailors Scorpions Settlers Sharks
    Spartans Spiders Stags Stallions Stokers Swans Swifts Tanners Tigers Titans Tornadoes Trojans Unicorns
    Vikings Vipers Volcanoes Wanderers Wasps Weavers Whales Wizards Wolves Zebras
"""

TEAM_NAMES: tuple[str, ...] = tuple(_TEAM_NAMES.split())
"""120 nicknames, each one capitalised plural, said with "the"."""


def make_teams(rng: np.random.Generator) -> tuple[Team, Team]:
    """Draw the two teams of a match: two names, ten different surnames, two kits that are well apart.

    Shirts are numbered 1-5 in the home team and 6-10 in the away team, in the order of `Team.players`.
    """
    team_names = rng.choice(len(TEAM_NAMES), size=2, replace=False)
    surnames = rng.choice(len(SURNAMES), size=2 * NUM_PLAYERS_PER_TEAM, replace=False)
    players = [Player(number=i + 1, name=SURNAMES[surname]) for i, surname in enumerate(surnames)]
    kits = distinct_pair(rng)
    home, away = (
        Team(
            name=TEAM_NAMES[team_names[side]],
            kit=kits[side],
            players=tuple(players[side * NUM_PLAYERS_PER_TEAM : (side + 1) * NUM_PLAYERS_PER_TEAM]),
        )
        for side in range(2)
    )
    return home, away
